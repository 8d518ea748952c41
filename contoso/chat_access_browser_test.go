package contoso_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
)

// talk fills a conversation with everything that the page can show.
func (c canvas) talk(tb testing.TB, id string) {
	tb.Helper()
	for _, more := range []map[string]any{
		{"message": "Hello Alex! I am the **Contoso** copilot.\n\n- Orders\n- Returns", "format": "markdown", "sender": "Contoso Copilot"},
		{"message": "What is it about?", "sender": "Contoso Copilot", "choices": []map[string]string{
			{"title": "My order", "value": "order"}, {"title": "A person, please", "value": "person"},
		}},
	} {
		want(tb, c.bot(tb, "say", id, more), 200, "")
	}
}

func (c canvas) help(tb testing.TB, id string) {
	tb.Helper()
	want(tb, c.bot(tb, "pass", id, map[string]any{
		"problem": "Order 4711 has not arrived", "summary": "Wants to know where it is", "note": "Alex is in a hurry", "variables": map[string]string{"Order": "4711"},
	}), 200, "")
	want(tb, c.deed(tb, id, "messages", `{"sender":"Ana","message":"Hello Alex, I am looking into it: https://contoso.example/orders/4711"}`), 200, "")
}

func TestChat_has_nothing_that_WCAG_refuses(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page := browsertest.Open(t, h.url+"/chat/")
	audit := func(state string) {
		t.Helper()
		if found := page.Audit(); found != "" {
			t.Errorf("%s: %s", state, found)
		}
	}
	page.Wait(`document.querySelector("#start").hidden`, "false")
	audit("the start")
	page.Type("#start-name", "Alex Wilber")
	page.Click("#start .primary")
	page.Wait(`document.querySelector("#open-thread").hidden`, "false")
	id := h.current(t)
	h.talk(t, id)
	page.Wait(`document.querySelectorAll(".choice").length`, "2")
	audit("with the copilot")
	picture(t, page, "chat-copilot")
	page.Type("#draft", "a person, please")
	page.Enter(0)
	h.help(t, id)
	page.Wait(chatStatus, "You talk to Ana")
	audit("with a person")
	picture(t, page, "chat-person")
	for _, dialog := range []string{"end", "edit"} {
		page.Eval(`document.querySelector("#` + dialog + `-dialog").showModal()`)
		audit(dialog)
		page.Eval(`document.querySelector("#` + dialog + `-dialog").close()`)
	}
	page.Picture(filepath.Join(t.TempDir(), "dark.png"), "dark", 1280, 800)
	audit("dark colours")
	page.Do(chromedp.EmulateViewport(320, 640))
	page.Wait(`document.documentElement.scrollWidth`, "320")
	audit("a narrow screen")
	page.Do(chromedp.EmulateViewport(640, 400)) // 1280 by 800 at 200 %
	page.Wait(`document.documentElement.scrollWidth <= 640 && document.querySelector("#draft").getBoundingClientRect().bottom <= 400`, "true")
	page.Wait(`document.querySelector("#scroller").clientHeight > 100`, "true")
	want(t, h.deed(t, id, "end", `{"sender":"Ana"}`), 204, "")
	page.Wait(`document.querySelector("#over").hidden`, "false")
	page.Wait(`(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2)(document.querySelector("#scroller"))`, "true")
	audit("the end")
	picture(t, page, "chat-end")
}

func TestChat_speaks_the_users_language(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page, id := h.chat(t)
	h.talk(t, id)
	page.Type("#draft", "a person, please")
	page.Enter(0)
	page.Wait(chatWords, "a person, please")
	h.help(t, id)
	for _, language := range []struct{ code, dir, send, joined string }{
		{"de", "ltr", "Senden", "Sie sprechen jetzt mit Ana."},
		{"ja", "ltr", "送信", "Ana が対応します。"},
		{"ar", "rtl", "إرسال", "تتحدث الآن مع Ana."},
		{"en", "ltr", "Send", "You now talk to Ana."},
	} {
		page.Eval(`(() => {
			const choice = document.querySelector("#language");
			choice.value = "` + language.code + `";
			choice.dispatchEvent(new Event("change"));
		})()`)
		page.Wait(`document.documentElement?.lang + document.documentElement?.dir`, language.code+language.dir)
		page.Wait(`document.querySelector("#composer .primary").textContent`, language.send)
		shows(page, chatNote, language.joined)
		picture(t, page, "chat-"+language.code)
	}
}

func TestChat_by_the_keyboard_alone(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page := browsertest.Open(t, h.url+"/chat/")
	page.Wait(`document.querySelector("#start").hidden`, "false")
	tabTo := func(selector string) {
		t.Helper()
		for range 20 {
			if page.Eval(`document.activeElement?.matches("`+selector+`")`) == "true" {
				return
			}
			page.Do(chromedp.KeyEvent("\t"))
		}
		t.Fatalf("%s cannot be reached", selector)
	}
	tabTo("#start-name")
	page.Do(chromedp.KeyEvent("Alex"))
	page.Enter(0)
	page.Wait(`document.activeElement?.id`, "draft")
	id := h.current(t)
	h.talk(t, id)
	page.Wait(`document.querySelectorAll(".choice").length`, "2")
	page.Eval(`document.activeElement.blur()`)
	tabTo(".choice")
	page.Enter(0)
	page.Wait(chatWords, "My order")
	page.Wait(`document.activeElement?.id`, "draft")
	page.Do(chromedp.KeyEvent("hello"))
	page.Enter(0)
	page.Wait(chatWords, "hello")
	tabTo("#end")
	page.Enter(0)
	tabTo("#end-confirm")
	page.Enter(0)
	page.Wait(`document.querySelector("#over").hidden`, "false")
	tabTo(`[name='score']`)
	page.Do(chromedp.KeyEvent(" "))
	tabTo("#rating .button")
	page.Enter(0)
	page.Wait(`document.activeElement?.id`, "again")
	page.Enter(0)
	page.Wait(`document.querySelector("#over").hidden`, "true")
}

// What strangers, copilots and agents write stays text, and widens nothing.
func TestChat_renders_attacks_inert(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{})
	page, id := h.chat(t)
	for _, attack := range []string{
		`<script>globalThis.owned = 1</script>`,
		`<img src=x onerror="globalThis.owned = 1">`,
		`"><svg onload=globalThis.owned=1>`,
		`[click](javascript:globalThis.owned=1)`,
		`[click](data:text/html,<script>1</script>) ![x](https://evil.example/x.png)`,
		"[a](https://ok.example\" onclick=\"globalThis.owned=1)",
		"\u202egnp.exe\u2066",
		strings.Repeat("Z\u0351\u036b\u0343", 200),
		strings.Repeat("w", 3_900),
		`{{constructor}} {name} $& $1`,
		strings.Repeat("> ", 200) + "deep",
	} {
		for _, format := range []string{"", "markdown"} {
			want(t, h.bot(t, "say", id, map[string]any{
				"message": attack, "format": format, "sender": attack, "choices": []map[string]string{{"title": attack, "value": attack}},
			}), 200, "")
			if format == "" {
				page.Wait(chatWords, attack)
			}
			page.Wait(`document.querySelector(".choices li:last-child .choice")?.textContent`, attack)
		}
		page.Wait(`document.querySelectorAll("main :is(script, iframe, object, embed, img, [onclick], [onload])").length`, "0")
		page.Wait(`[...document.querySelectorAll("#log a")].every(a => a.protocol === "https:" && a.rel.includes("noopener"))`, "true")
		page.Wait(`String(globalThis.owned)`, "undefined")
		page.Wait(`document.documentElement.scrollWidth <= innerWidth`, "true")
	}
	page.Do(chromedp.EmulateViewport(320, 640))
	page.Wait(`document.documentElement.scrollWidth <= 320 && document.querySelector("#scroller").scrollWidth <= 320`, "true")
}
