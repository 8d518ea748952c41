package contoso_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
)

const (
	door     = `document.querySelector("#sign-in")?.hidden`
	doorText = `document.querySelector("#sign-in-title")?.innerText`
	whoAmI   = `document.querySelector("#signed-in-name")?.innerText`
	account  = `document.querySelectorAll("button[name=person]").length`
)

func TestDesk_an_agent_signs_in_writes_is_signed_out_and_loses_no_words(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	id := o.open(t, `{"user":{"name":"Alex Wilber"}}`)
	o.hear(t, id, "hello")
	page := browsertest.Open(t, o.url+"/#"+id)
	page.Wait(door, "false")
	page.Wait(`document.querySelector("#columns").hidden`, "true")
	page.Wait(doorText, "Sign in to answer")
	picture(t, page, "desk-signin")
	page.Click("#sign-in-link")
	page.Wait(account, "4") // three agents, and cancel
	picture(t, page, "entra-signin")
	page.Click("li:nth-child(2) button")
	page.Wait(whoAmI, "Diego Siciliani")
	page.Wait(lastWords, "hello") // back where the address had been
	page.Wait(`document.querySelector("#say-name").hidden`, "true")
	page.Type("#draft", "from a known agent")
	page.Enter(0)
	page.Wait(`[...document.querySelectorAll("#log .agent .author")].at(-1)?.textContent`, "Diego Siciliani")
	page.Wait(`document.querySelectorAll("#log .line.pending").length`, "0")
	picture(t, page, "desk-signed-in")

	page.Type("#draft", "sent too late")
	o.exec(t, `UPDATE contoso.session SET created_at = now() - interval '25 hours'`)
	page.Enter(0)
	page.Wait(doorText, "Your session has ended")
	picture(t, page, "desk-session-ended")
	page.Click("#sign-in-link")
	page.Click("li:first-child button")
	page.Wait(whoAmI, "Adele Vance")
	page.Wait(draft, "sent too late")
	page.Enter(0)
	page.Click("#draft")
	page.Enter(0)
	page.Wait(lastWords, "sent too late")
	page.Wait(`[...document.querySelectorAll("#log .agent .author")].at(-1)?.textContent`, "Adele Vance")

	page.Click("#sign-out")
	page.Wait(doorText, "Sign in to answer")
	page.Wait(`location.href`, o.url+"/")
}

// While nothing is sent, the stream tells that the session is over; a draft stays.
func TestDesk_shows_the_door_when_the_session_ends_under_it(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{})
	id := o.open(t, "")
	page := browsertest.Open(t, o.url+"/#"+id)
	page.Click("#sign-in-link")
	page.Click("li:first-child button")
	page.Wait(`document.querySelector("#open-thread")?.hidden`, "false")
	page.Type("#draft", "half a thou")
	other := browsertest.Open(t, o.url)
	other.Wait(door, "false")
	// As another tab of the same browser signs out: this one is told by its stream.
	page.Eval(`fetch("/auth/signout", { method: "POST" })`)
	page.Wait(doorText, "Your session has ended")
	page.Click("#sign-in-link")
	page.Click("li:first-child button")
	page.Wait(draft, "half a thou")
}

func TestDesk_says_why_nobody_is_let_in(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_OIDC_ALLOWED", "@example.com")
	page := browsertest.Open(t, o.url)
	page.Click("#sign-in-link")
	page.Click("li:first-child button")
	page.Wait(`document.querySelector("#sign-in-problem")?.innerText.startsWith("This account may not answer here.")`, "true")
	page.Wait(`document.querySelector("#sign-in-link").search`, "?other=1")
	picture(t, page, "desk-refused")
	page.Do(chromedp.Navigate(o.url + "/auth/callback?state=x&code=y"))
	page.Wait(`document.querySelector("#sign-in-problem")?.innerText.startsWith("That took too long")`, "true")
}

// picture looks at a page where TEST_LOOK names a folder.
func picture(tb testing.TB, page browsertest.Tab, name string) {
	tb.Helper()
	folder := os.Getenv("TEST_LOOK")
	if folder == "" {
		return
	}
	for _, scheme := range []string{"dark", "light"} {
		page.Picture(filepath.Join(folder, name+"-"+scheme+"-narrow.png"), scheme, 390, 780)
		page.Picture(filepath.Join(folder, name+"-"+scheme+".png"), scheme, 1280, 800)
	}
}
