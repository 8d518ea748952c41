package contoso_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// A page that was left lies in the browser's cache. It keeps no connection there,
// of which the browser has six, and misses nothing when it is come back to.
func TestDesk_left_and_come_back_to(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, `{"user":{"name":"Alex"}}`)
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Wait(itemCount, "1")
	for range 8 {
		page.Do(chromedp.Navigate("about:blank"))
		page.Eval("setTimeout(() => location.assign('" + h.url + "/#" + id + "'))")
		page.Wait(itemCount, "1")
	}
	page.Do(chromedp.Navigate("about:blank"))
	h.hear(t, id, "while you were away")
	page.Eval(`setTimeout(() => history.back())`)
	page.Wait(lastWords, "while you were away")
	h.hear(t, id, "and now")
	page.Wait(lastWords, "and now")
}
