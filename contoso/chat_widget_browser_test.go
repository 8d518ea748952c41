package contoso_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
)

// What a site with the chat's button shows.
const (
	widgetOpen  = `document.querySelector("button")?.getAttribute("aria-expanded")`
	widgetBadge = `document.querySelector("button + span")?.checkVisibility() ? document.querySelector("button + span").textContent : ""`
	widgetFocus = `document.activeElement.tagName`
)

// shop is a site of another origin that shows the chat under a strict policy of its
// own.
func shop(t *testing.T) (h canvas, site string) {
	t.Helper()
	var hubURL atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		base, _ := hubURL.Load().(string)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+base+"; frame-src "+base)
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>A shop</title>
			<h1>A shop</h1><p><a href="/tea">Tea</a></p><script src="` + base + `/chat/widget.js" data-label="Talk to us" async></script></html>`))
	}))
	t.Cleanup(server.Close)
	h = runCanvas(t, contoso.Config{Canvas: contoso.Canvas{EmbedOrigins: []string{server.URL}}})
	target, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(httputil.NewSingleHostReverseProxy(target))
	t.Cleanup(proxy.Close)
	hubURL.Store(proxy.URL)
	return h, server.URL
}

// pressWidget presses the site's button by the keyboard.
func pressWidget(page browsertest.Tab) {
	page.Eval(`document.querySelector("button").focus()`)
	page.Enter(0)
}

// A site that is allowed shows the page in a frame, under a strict policy of its
// own: by keyboard alone, with a count of what came while the frame was closed.
func TestChat_in_a_frame_of_another_site(t *testing.T) {
	t.Parallel()
	h, site := shop(t)
	page := browsertest.Open(t, site)
	page.Wait(`document.querySelector("button")?.textContent`, "Talk to us")
	page.Wait(`document.querySelector("iframe").hidden + document.querySelector("iframe").src`, "true") // nothing is loaded before it is wanted
	pressWidget(page)
	page.Wait(widgetOpen, "true")
	page.Wait(widgetFocus, "IFRAME")

	typeIn := func(field, text string) {
		t.Helper()
		page.Frame().Wait(`document.activeElement?.id`, field)
		page.Do(chromedp.KeyEvent(text))
		page.Enter(0)
	}
	typeIn("start-name", "Alex")
	id := h.current(t)
	typeIn("draft", "hello")
	eventually(t, "what is typed in the frame", func() bool {
		return slices.ContainsFunc(h.copilot.asks(t), func(a asked) bool { return a.Message == "hello" })
	})
	page.Do(chromedp.KeyEvent("\u001b"))
	page.Wait(widgetOpen, "false")
	page.Wait(widgetFocus, "BUTTON")
	for _, words := range []string{"one", "two"} {
		want(t, h.bot(t, "say", id, map[string]any{"message": words}), 200, "")
	}
	page.Wait(widgetBadge, "2")
	page.Wait(`document.querySelector("button").ariaLabel`, "Talk to us. New messages: 2")
	page.Wait(`document.querySelector("[role=status]").textContent`, "New messages: 2")
	page.Eval(`addEventListener("message", () => { globalThis.forged = true; }), postMessage({ chatUnread: 99, text: "from elsewhere" }, "*")`)
	page.Wait(`globalThis.forged`, "true")
	if got := page.Eval(widgetBadge); got != "2" {
		t.Errorf("anybody's message makes the count %q", got)
	}
	if found := page.Audit(); found != "" {
		t.Error(found)
	}
	picture(t, page, "chat-shop")
	pressWidget(page)
	page.Wait(widgetBadge, "")
	page.Wait(`document.querySelector("button").ariaLabel`, "null")
	page.Frame().Wait(`document.activeElement?.id`, "draft")
	page.Frame().Wait(`document.title`, "Contoso chat")
	picture(t, page, "chat-frame")
}

// What is open stays open on the next page of the site, and what was closed counts.
func TestChat_in_a_frame_goes_on_from_page_to_page(t *testing.T) {
	t.Parallel()
	h, site := shop(t)
	page := browsertest.Open(t, site)
	page.Wait(widgetOpen, "false")
	pressWidget(page)
	page.Frame().Wait(`document.activeElement?.id`, "start-name")
	page.Enter(0)
	id := h.current(t)
	want(t, h.bot(t, "say", id, map[string]any{"message": "one"}), 200, "")
	page.Do(chromedp.Navigate(site + "/tea"))
	page.Wait(widgetOpen, "true")
	page.Frame().Wait(chatWords, "one")
	page.Wait(widgetFocus, "BODY") // nothing that was not asked for
	pressWidget(page)
	page.Wait(widgetOpen, "false")
	page.Do(chromedp.Navigate(site))
	page.Wait(widgetOpen, "false")
	page.Frame().Wait(chatWords, "one")
	want(t, h.bot(t, "say", id, map[string]any{"message": "two"}), 200, "")
	page.Wait(widgetBadge, "1")
	page.Do(chromedp.EmulateViewport(320, 480))
	pressWidget(page)
	page.Wait(`document.documentElement.scrollWidth <= 320 && document.querySelector("iframe").getBoundingClientRect().width >= 280`, "true")
}
