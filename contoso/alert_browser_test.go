package contoso_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

func TestDesk_counts_what_is_the_agents_and_nobodys(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	page := browsertest.Open(t, h.url)
	page.Do(chromedp.SetValue("#agent-name", "Bo"))
	const icon = `document.querySelector('link[rel="icon"]').href.startsWith("data:")`
	page.Wait(icon, "false")
	id := h.open(t, `{"user":{"name":"Alex"}}`)
	h.hear(t, id, "hello")
	page.Wait(title, "(1) Contoso Live Chat")
	page.Wait(icon, "true")
	h.say(t, id, "I have it") // Ana does
	h.hear(t, id, "thank you")
	shows(page, `document.querySelector(".item .last").textContent`, "thank you")
	page.Wait(title, "Contoso Live Chat")
	page.Wait(icon, "false")
	h.ok(t, call{path: "/api/desk/conversations/" + id + "/transfer", body: `{"sender":"Ana","agent":"Bo"}`}, nil)
	page.Wait(title, "(2) Contoso Live Chat")
}
