package contoso_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// What the list shows.
const (
	shownItems = `[...document.querySelectorAll(".item .name")].map(n => n.textContent).join()`
	itemCount  = `document.querySelectorAll(".item").length`
)

func filtered(name string) string { return fmt.Sprintf(`[data-filter="%s"]`, name) }

func TestDesk_list_is_filtered_and_searched(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{})
	mine := h.open(t, `{"user":{"name":"Alex"}}`)
	h.say(t, mine, "hello Alex")
	theirs := h.open(t, `{"user":{"name":"Bo"}}`)
	h.ok(t, call{path: "/api/desk/conversations/" + theirs + "/join", body: `{"sender":"Cy"}`}, nil)
	h.open(t, `{"user":{"name":"Dora"}}`)
	over := h.open(t, `{"user":{"name":"Eve"}}`)
	h.hear(t, over, "the <b>fuse</b>")
	h.ok(t, call{path: "/api/chat/end", body: `{"conversationId":"` + over + `"}`}, nil)

	page := browsertest.Open(t, h.url)
	page.Do(chromedp.SetValue("#agent-name", "Ana"))
	page.Wait(shownItems, "Dora,Bo,Alex")
	for filter, want := range map[string]string{"mine": "Alex", "unassigned": "Dora", "ended": "Eve", "all": "Dora,Bo,Alex"} {
		page.Click(filtered(filter))
		page.Wait(shownItems, want)
		page.Wait(`document.querySelector('`+filtered(filter)+`').getAttribute("aria-pressed")`, "true")
	}
	page.Type("#search", "<b>FUSE")
	page.Wait(shownItems, "Eve")
	page.Eval(`document.querySelector("#search").value = ""`)
	page.Type("#search", "no such words")
	page.Wait(itemCount, "0")
	shows(page, `document.querySelector("#no-conversations").innerText`, "Nothing found")
	page.Click(filtered("mine"))
	page.Wait(shownItems, "Alex")
	h.ok(t, call{path: "/api/chat/typing", body: `{"conversationId":"` + mine + `"}`}, nil)
	shows(page, `document.querySelector(".item .last").textContent`, "is typing")
}

// A thousand open and ten thousand ended ones: the page holds elements for what
// is seen, and gets the rest on the way down.
func TestDesk_list_of_ten_thousand_scrolls(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	_, err := db.Exec(t.Context(), `
		INSERT INTO contoso.conversation (id, person, state, started_at, ended_at, ended_by)
		SELECT 'e' || n, jsonb_build_object('name', 'Ended ' || n), 'ended', now() - interval '1 day', now() - n * interval '1 second', 'user'
		FROM generate_series(1, 10000) n;
		INSERT INTO contoso.conversation (id, person, started_at, queued_at)
		SELECT 'o' || n, jsonb_build_object('name', 'Open ' || n), now() - n * interval '1 second', now() - n * interval '1 second'
		FROM generate_series(1, 1000) n`)
	if err != nil {
		t.Fatal(err)
	}
	page := browsertest.Open(t, h.url)
	page.Wait(`document.querySelector(".item .name")?.textContent`, "Open 1000")
	atMost := func(most int) {
		t.Helper()
		if n, _ := strconv.Atoi(page.Eval(itemCount)); n > most {
			t.Errorf("%d elements, want at most %d", n, most)
		}
	}
	atMost(200)
	toEnd := func(name string) {
		t.Helper()
		page.Wait(`(document.querySelector(".list").scrollTop = 1e9, `+shownItems+`.includes("`+name+`"))`, "true")
	}
	toEnd("Open 700")
	page.Click(filtered("ended"))
	page.Wait(`document.querySelector(".item .name")?.textContent`, "Ended 1")
	atMost(200)
	toEnd("Ended 420") // beyond what the page began with
	page.Type("#search", "ended 9999")
	page.Wait(shownItems, "Ended 9999")
}
