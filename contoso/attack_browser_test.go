package contoso_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// What strangers write stays text, wherever the page shows it, and widens nothing.
func TestDesk_renders_attacks_inert(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	attacks := []string{
		`<script>globalThis.owned = 1</script>`,
		`<img src=x onerror="globalThis.owned = 1">`,
		`"><svg onload=globalThis.owned=1>`,
		`javascript:globalThis.owned=1`,
		`data:text/html,<script>1</script>`,
		"\u202egnp.exe\u2066",
		strings.Repeat("Z\u0351\u036b\u0343", 200),
		strings.Repeat("w", 19_000),
		`{{constructor}} {name} $& $1`,
	}
	page := browsertest.Open(t, h.url)
	for _, attack := range attacks {
		id := h.open(t, jsonOf(t, map[string]any{
			"user":    map[string]string{"name": attack, "email": attack, "locale": attack, "timeZone": attack, "client": attack},
			"problem": attack, "summary": attack, "reference": attack, "queue": attack, "variables": map[string]string{attack: attack},
			"transcript": []map[string]string{{"sender": attack, "side": attack, "text": attack}},
		}))
		h.hear(t, id, attack)
		h.ok(t, call{path: "/api/chat/attach?conversationId=" + id + "&name=" + url.QueryEscape("<b>.svg"), body: "<svg/>", header: header("Content-Type", "image/svg+xml")}, nil)
		page.Eval(`location.hash = "` + id + `"`)
		page.Wait(`[...document.querySelectorAll("#log .words")][0]?.textContent`, attack)
		page.Wait(`document.querySelector("#handover .said")?.textContent`, attack)
		page.Eval(`document.querySelector("#handover details").open = true`)
		page.Wait(`document.querySelectorAll("#columns :is(script, iframe, object, img:not([src^='/api/desk/files/']), .link)").length`, "0")
		page.Wait(`document.querySelectorAll("#columns a[href^='javascript'], #columns a[href^='data']").length`, "0")
		page.Wait(`String(globalThis.owned)`, "undefined")
		page.Wait(`document.documentElement.scrollWidth <= innerWidth`, "true")
	}
}
