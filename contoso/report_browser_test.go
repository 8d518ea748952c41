package contoso_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// metaOf is what stands below the agents' line of a number.
func metaOf(n string) string {
	return `document.querySelectorAll("#log .agent .meta")[` + n + `]?.innerText`
}

func TestDesk_says_what_became_of_a_line_and_lets_the_agent_decide(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, `{"user":{"name":"Alex Wilber"},"channel":"msteams","problem":"My order has not arrived"}`)
	h.hear(t, id, "Where is my order?")
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	for i, words := range []string{"Hello Alex", "It left the depot.", "It comes tomorrow."} {
		message := h.say(t, id, words)
		if i > 0 {
			h.report(t, id, message, []string{"", "failed", "unknown"}[i])
		}
	}
	h.report(t, id, "", "unreachable")
	shows(page, metaOf("1"), "Not delivered: refused there")
	shows(page, metaOf("2"), "Not certain: the user may have it")
	shows(page, `document.querySelector("#unreachable").innerText`, "cannot be reached")
	shows(page, `document.querySelector(".item .status").innerText`, "Cannot be reached")
	if found := page.Audit(); found != "" {
		t.Error(found)
	}
	picture(t, page, "desk-reports")
	page.Eval(`(() => { const again = document.querySelectorAll("#log .agent .again")[0]; again.click(); again.click(); })()`) // twice at once is once
	page.Wait(lastWords, "It left the depot.")
	shows(page, metaOf("1"), "Said again")
	page.Eval(`document.querySelectorAll("#log .agent .again")[1].click()`)
	shows(page, metaOf("2"), "Left as it is")
	page.Wait(`document.querySelectorAll("#log .agent").length`, "4")
	page.Wait(`document.querySelectorAll("#log .again").length`, "0")
	h.report(t, id, "", "reachable")
	page.Wait(`document.querySelector("#unreachable").hidden`, "true")
}

func TestDesk_two_agents_see_that_both_are_writing(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url})
	id := h.open(t, `{"user":{"name":"Alex Wilber"}}`)
	pages := map[string]browsertest.Tab{}
	for _, name := range []string{"Ana", "Bo"} {
		page := browsertest.Open(t, h.url+"/#"+id)
		page.Wait(`document.querySelector("#composer").checkVisibility()`, "true")
		page.Do(chromedp.SetValue("#agent-name", name))
		pages[name] = page
	}
	const warning = `document.querySelector("#others-typing").textContent`
	pages["Ana"].Type("#draft", "Hel")
	pages["Bo"].Wait(warning, "Also writing a reply here: Ana")
	pages["Bo"].Type("#draft", "I have it")
	pages["Ana"].Wait(warning, "Also writing a reply here: Bo")
	picture(t, pages["Ana"], "desk-two-writing")
	pages["Bo"].Enter(0)
	pages["Ana"].Wait(warning, "")
	pages["Ana"].Wait(lastWords, "I have it")
}

func TestDesk_emoji_are_found_by_name_and_put_where_the_caret_is(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	id := h.open(t, `{"user":{"name":"Alex Wilber"}}`)
	page := browsertest.Open(t, h.url+"/#"+id)
	page.Wait(`document.querySelector("#composer").checkVisibility()`, "true")
	page.Type("#draft", "Well done!")
	page.Eval(`document.querySelector("#draft").setSelectionRange(4, 4)`)
	page.Eval(`document.activeElement.blur()`)
	page.Press("m")
	page.Wait(`document.activeElement.id`, "emoji-search")
	page.Type("#emoji-search", "thumbs")
	page.Wait(`[...document.querySelectorAll("#emoji-list li")].map(li => li.ariaLabel).join()`, "thumbs up,thumbs down")
	if found := page.Audit(); found != "" {
		t.Error(found)
	}
	page.Type("#emoji-search", kb.ArrowRight+kb.ArrowLeft)
	picture(t, page, "desk-emoji")
	page.Enter(0)
	page.Wait(draft, "Well👍 done!")
	page.Wait(`document.activeElement.id`, "draft")
	page.Click("#emoji-button")
	page.Type("#emoji-search", kb.Escape)
	page.Wait(`document.querySelector("#emoji-picker").hidden`, "true")
	page.Wait(`document.activeElement.id`, "draft")
	page.Do(chromedp.Reload())
	page.Wait(draft, "Well👍 done!")
}
