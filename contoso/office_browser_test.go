package contoso_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
)

// What the supervisor's page and the settings' show.
const (
	runningNames = `[...document.querySelectorAll("#running-rows .user")].map(n => n.textContent).join()`
	focused      = `document.activeElement?.id || document.activeElement?.name || document.activeElement?.textContent`
	dialogTitle  = `document.querySelector("#end-dialog").open && document.querySelector("#end-title").textContent`
)

func textOf(selector string) string {
	return fmt.Sprintf("document.querySelector(%q)?.textContent", selector)
}

// busy is a hub on an ordinary day.
func busy(tb testing.TB) (hub, *pgxpool.Pool) {
	tb.Helper()
	db := pgtest.DB(tb, contoso.Schema())
	h := run(tb, db, contoso.Config{})
	_, err := db.Exec(tb.Context(), `
		INSERT INTO contoso.conversation (id, person, queue, started_at, queued_at)
		VALUES ('w1', '{"name":"Alex Wilber"}', 'Sales', now() - interval '12 minutes', now() - interval '12 minutes'),
		       ('w2', '{"name":"Megan Bowen"}', '', now() - interval '90 seconds', now() - interval '90 seconds'),
		       ('w3', '{"name":"<b>Lee</b> Gu"}', 'Sales', now() - interval '40 seconds', now() - interval '40 seconds');
		INSERT INTO contoso.conversation (id, state, person, queue, agent, started_at, queued_at, accepted_at)
		VALUES ('a1', 'active', '{"name":"Pradeep Gupta"}', 'Billing', 'Adele Vance', now() - interval '50 minutes', now(), now() - interval '47 minutes'),
		       ('a2', 'active', '{"name":"Grady Archie"}', '', 'Diego Siciliani', now() - interval '9 minutes', now(), now() - interval '7 minutes');
		INSERT INTO contoso.line (conversation_id, event, author, sender, body, created_at)
		VALUES ('a1', 'message', 'agent', 'Adele Vance', 'One moment', now() - interval '33 minutes'),
		       ('a2', 'message', 'user', 'Grady Archie', 'Thanks', now() - interval '20 seconds');
		INSERT INTO contoso.conversation (id, state, agent, started_at, accepted_at, ended_at, ended_by)
		SELECT 'e' || n, 'ended', 'Adele Vance', at, at + n % 7 * interval '23 seconds', least(now(), at + n % 11 * interval '97 seconds'), 'agent'
		FROM generate_series(1, 120) n, LATERAL (SELECT greatest(date_trunc('day', now()), now() - (n * n % 660) * interval '1 minute') AS at) s;
		INSERT INTO contoso.presence (agent, name, away, accepts, seen_at) -- and for as long as the test looks
		VALUES ('1', 'Adele Vance', false, 1, now() + interval '1 hour'), ('2', 'Diego Siciliani', true, 3, now() + interval '1 hour'),
		       ('3', 'Isaiah Langer', false, 0, now() + interval '1 hour');
		INSERT INTO contoso.queue (name, hours)
		VALUES ('Billing', '{"zone":"Europe/Berlin","week":{"Mon":"09:00-12:00","Fri":"09:00-12:00, 13:00-16:00"},"holidays":[{"date":"12-25","times":""}]}'), ('Sales', NULL);
		UPDATE contoso.settings
		SET hours = '{"zone":"Europe/Berlin","week":{"Mon":"08:00-18:00","Tue":"08:00-18:00","Wed":"08:00-18:00","Thu":"08:00-18:00","Fri":"08:00-16:00"},
		              "holidays":[{"date":"2026-12-24","times":"08:00-12:00"},{"date":"12-25","times":""}]}';
		INSERT INTO contoso.audit (actor, action, subject)
		VALUES ('Adele Vance', 'view', 'e1'), ('Diego Siciliani', 'export', '2026-11-01-2026-11-20'), ('Adele Vance', 'end', 'e2 e3')`)
	if err != nil {
		tb.Fatal(err)
	}
	return h, db
}

func TestSupervisor_page_shows_the_hub_as_it_is(t *testing.T) {
	t.Parallel()
	h, _ := busy(t)
	page := browsertest.Open(t, h.url+"/supervisor")
	page.Wait(runningNames, "Alex Wilber,Megan Bowen,<b>Lee</b> Gu,Pradeep Gupta,Grady Archie")
	page.Wait(textOf("#waiting")+"+"+textOf("#active"), "32")
	page.Wait(textOf("#running-rows tr:nth-child(1) .states"), "Waiting Overdue")
	page.Wait(textOf("#running-rows tr:nth-child(4) .states"), "Active Idle")
	shows(page, textOf("#agent-rows"), "Adele VanceOnline1 of 1")
	shows(page, textOf("#agent-rows"), "Diego SicilianiAway1 of 3")
	shows(page, textOf("#audit-rows"), "Conversations: 2")
	page.Wait(`document.querySelectorAll("#chart-rows tr").length >= 23 && document.querySelectorAll("#chart rect").length > 0`, "true")

	h.open(t, `{"user":{"name":"Dora"},"queue":"Support"}`) // without a press
	shows(page, runningNames, "Dora")
	page.Wait(textOf("#waiting"), "4")
	page.Do(chromedp.SetValue("#by-state", "overdue"))
	page.Eval(`document.querySelector("#by-state").dispatchEvent(new Event("change"))`)
	page.Wait(runningNames, "Alex Wilber")
	page.Eval(`(() => {
		const box = document.querySelector("#by-queue");
		box.value = "=Support";
		box.dispatchEvent(new Event("change"));
	})()`)
	page.Wait(`document.querySelector("#no-running").hidden`, "false")
	if got := page.Eval(`document.querySelector("#export").href`); got == "" {
		t.Error("the export leads nowhere")
	}
}

// press is keys on the keyboard, one after another.
func press(page browsertest.Tab, keys ...string) {
	for _, key := range keys {
		page.Do(chromedp.KeyEvent(key))
	}
}

func TestSupervisor_page_ends_several_by_keyboard_unless_it_is_undone(t *testing.T) {
	t.Parallel()
	h, _ := busy(t)
	page := browsertest.Open(t, h.url+"/supervisor")
	page.Wait(`document.querySelector("#by-state")?.checkVisibility()`, "true")
	for page.Eval(focused) != "by-agent" {
		press(page, kb.Tab)
	}
	press(page, kb.Tab, kb.Tab, " ") // past the head to the first row
	page.Wait(`document.querySelector('[data-choose="w1"]').checked`, "true")
	press(page, kb.Tab, kb.Tab, " ")
	page.Wait(textOf("#end-chosen"), "End the chosen (2)")
	for page.Eval(focused) != "end-chosen" {
		press(page, kb.Shift+kb.Tab)
	}
	page.Enter(0)
	page.Wait(dialogTitle, "End these conversations (2)?")
	page.Enter(0)
	page.Wait(textOf("#end-problem"), "Say why: the users are told.")
	press(page, "drill")
	decided := hesitate(page)
	page.Enter(0)
	page.Wait(focused, "undo-button")
	page.Enter(0)
	page.Wait(`document.querySelector("#undo").hidden`, "true")
	decided()
	page.Wait(focused, "choose-all")
	if got := h.standing(t, "w1"); got.State != "waiting" {
		t.Errorf("undone, and yet it is %+v", got)
	}
	press(page, " ")
	page.Click("#end-chosen")
	page.Wait(dialogTitle, "End these conversations (5)?")
	page.Type("#end-reason", "fire drill")
	page.Click("#end-confirm")
	page.Wait(textOf("#done"), "Conversations ended: 5.")
	page.Wait(runningNames, "")
	shows(page, textOf("#audit-rows tr"), "nobody signed in")
	shows(page, textOf("#audit-rows tr"), "Conversations: 5")
	eventually(t, "the ends", func() bool { return h.standing(t, "w1").State == "ended" })
}

func TestSettings_page_stores_what_is_right_and_says_what_is_not(t *testing.T) {
	t.Parallel()
	h, _ := busy(t)
	page := browsertest.Open(t, h.url+"/settings")
	page.Wait(`document.querySelectorAll(".queue").length`, "2")
	page.Wait(`document.querySelector("#save").disabled`, "true")
	page.Click("#hours .check input")
	page.Wait(`document.querySelector("#hours .timetable").hidden`, "true")
	page.Click("#hours .check input")
	page.Wait(`document.querySelector("#hours .timetable").hidden`, "false")
	page.Eval(`document.querySelector("#hours .week input").value = ""`)
	page.Type("#hours .week input", "9-5")
	page.Click("#add-queue")
	page.Type(".queue:last-child .queue-head input", "Care")
	page.Eval(`document.querySelector("#wait-minutes").value = ""`)
	page.Type("#wait-minutes", "1")
	page.Click("#save")
	page.Wait(textOf("#problem"), `Monday: "9-5": expected times, like 09:00-17:30`)
	page.Wait(`document.activeElement.name + document.activeElement.getAttribute("aria-invalid")`, "hours.week.Montrue")
	page.Eval(`document.activeElement.value = "09:00-17:00"`)
	page.Click("#save")
	page.Wait(textOf("#saved"), "Saved.")
	got := h.settings(t)
	if got.Version != 2 || got.WaitMinutes != 1 || len(got.Queues) != 3 || got.Queues[1].Name != "Care" {
		t.Errorf("stored %+v", got)
	}
	h.set(t, jsonOf(t, map[string]any{"version": 2, "sender": "Bo", "waitMinutes": 9, "queues": got.Queues}))
	page.Type("#idle-minutes", "0")
	page.Click("#save")
	shows(page, textOf("#problem"), "Bo changed the settings at ")
	page.Click("#reread")
	page.Wait(`document.querySelector("#wait-minutes").value`, "9")
	shows(page, textOf("#changed"), "Changed by Bo")

	page.Type("#reply-name", "two words")
	page.Type("#reply-text", "Hi")
	page.Click("#reply-form .button")
	page.Wait(textOf("#reply-problem"), "a name is one word of at most 40 characters")
	page.Eval(`document.querySelector("#reply-name").value = "<b>hi"`)
	page.Click("#reply-form .button")
	shows(page, textOf("#replies"), "/<b>hi")
}

func TestDesk_marks_who_waits_too_long_and_offers_the_queues(t *testing.T) {
	t.Parallel()
	h, _ := busy(t)
	page := browsertest.Open(t, h.url+"/#w1")
	page.Wait(textOf(`.item[href="#w1"] .state.overdue`), "Overdue")
	page.Wait(textOf(`.item[href="#a1"] .state.idle`), "Idle")
	page.Wait(textOf(`.item[href="#w2"] .state.overdue`), "undefined")
	page.Click("#transfer")
	page.Do(chromedp.SetValue("#transfer-kind", "queue"))
	page.Eval(`document.querySelector("#transfer-kind").dispatchEvent(new Event("change"))`)
	page.Wait(`[...document.querySelector("#transfer-to").list.options].map(o => o.value).join()`, "Billing,Sales")
	page.Do(chromedp.Navigate(h.url))
	page.Click("#to-supervisor")
	page.Wait(`location.pathname + document.querySelector("#page")?.hidden`, "/supervisorfalse")
	page.Click(`.ways a[href="/settings"]`)
	page.Wait(`location.pathname + document.querySelector("#page")?.hidden`, "/settingsfalse")
	page.Click(`.ways a[href="/"]`)
	page.Wait(`location.pathname`, "/")
}

func TestSupervisor_page_is_for_supervisors(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_OIDC_SUPERVISORS", "adelev@contoso.com")
	page := browsertest.Open(t, o.url+"/supervisor")
	page.Wait(textOf("#door-title"), "Sign in to go on")
	page.Click("#door-link")
	page.Click("li:nth-child(2) button") // Diego
	page.Wait(textOf("#door-title"), "For supervisors only")
	page.Do(chromedp.Navigate(o.url))
	page.Wait(whoAmI, "Diego Siciliani")
	page.Wait(`document.querySelector("#to-supervisor").hidden`, "true")
	page.Click("#sign-out")
	page.Wait(whoAmI+`+`+door, "false") // a page that knew nobody, back from the issuer

	page.Do(chromedp.Navigate(o.url + "/settings"))
	page.Click("#door-link")
	page.Click("li:first-child button") // Adele
	page.Wait(`location.pathname + document.querySelector("#page")?.hidden`, "/settingsfalse")
	page.Wait(textOf("#signed-in-name"), adele)
	page.Do(chromedp.Navigate(o.url))
	page.Wait(`document.querySelector("#to-supervisor")?.hidden`, "false")
	o.exec(t, `UPDATE contoso.session SET seen_at = now() - interval '9 hours', created_at = now() - interval '10 hours'`)
	page.Do(chromedp.Reload())
	page.Wait(doorText, "Sign in to answer")
	shows(page, textOf("#sign-in-text"), "Nobody did anything here for long")
	page.Do(chromedp.Navigate(o.url + "/supervisor"))
	shows(page, textOf("#door-text"), "Nobody did anything here for long")
}

// What a wider page shows beside each other is below each other on a narrow one.
func TestOffice_pages_have_nothing_that_WCAG_refuses(t *testing.T) {
	t.Parallel()
	h, _ := busy(t)
	looks := map[string][]look{
		"en": {{"light", 1280}, {"dark", 1280}, {"light", 320}, {"dark", 320}},
		"de": {{"light", 320}}, "ja": {{"dark", 1280}}, "ar": {{"light", 1280}, {"dark", 320}},
	}
	for name, ready := range map[string]string{"supervisor": "#running-rows tr", "settings": ".queue"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := browsertest.Open(t, h.url+"/"+name)
			for _, code := range []string{"en", "de", "ja", "ar"} {
				page.Eval(`localStorage.setItem("language", "` + code + `")`)
				page.Do(chromedp.Reload())
				page.Wait(`document.documentElement?.lang + Boolean(document.querySelector("`+ready+`")?.checkVisibility())`, code+"true")
				page.Eval(`document.querySelectorAll("#queues .check input:not(:checked)").forEach(box => box.click())`)
				for _, l := range looks[code] {
					page.Picture(filepath.Join(t.TempDir(), "x.png"), l.scheme, l.width, 800)
					if got := page.Audit(); got != "" {
						t.Errorf("%s, %v:\n%s", code, l, got)
					}
					if beside := page.Eval(`document.querySelector("#page").scrollWidth - document.querySelector("#page").clientWidth`); beside != "0" {
						t.Errorf("%s, %v is %s px too wide", code, l, beside)
					}
				}
				picture(t, page, name+"-"+code)
			}
		})
	}
}

// A look is a colour scheme and a width in px.
type look struct {
	scheme string
	width  int64
}

// A thousand rows are there at once and none is lost; the page holds what is seen.
func TestSupervisor_page_of_a_thousand(t *testing.T) {
	t.Parallel()
	h, db := busy(t)
	crowd(t, db)
	page := browsertest.Open(t, h.url+"/supervisor")
	page.Wait(textOf("#running-count"), "Conversations: 1005")
	if n, _ := strconv.Atoi(page.Eval(`document.querySelectorAll("#running-rows tr").length`)); n != 100 {
		t.Errorf("%d rows, want 100", n)
	}
	page.Click("#more")
	page.Wait(`document.querySelectorAll("#running-rows tr").length`, "200")
	page.Click("#choose-all")
	page.Wait(textOf("#end-chosen"), "End the chosen (1005)")
	page.Click("#end-chosen")
	page.Wait(dialogTitle, "End these conversations (500)?")
}
