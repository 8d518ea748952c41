package sandbox_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

const (
	theirCard = `document.querySelector("#log .card:last-of-type .sent")?.textContent ?? ""`
	// paste puts a picture into the clipboard of the message box, and a file beside it.
	attach = `(() => {
		const give = (name, type, text, inline) => {
			const data = new DataTransfer();
			data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type }));
			if (inline) document.querySelector("#text").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
			else {
				document.querySelector("#files").files = data.files;
				document.querySelector("#files").dispatchEvent(new Event("change"));
			}
		};
		give("a.gif", "image/gif", "R0lGODlhAQABAAAAACwAAAAAAQABAAACADs=", true);
		give("bill.txt", "text/plain", "aGVsbG8=", false);
		return "";
	})()`
)

// pageSays types words into a page and sends them.
func pageSays(page browsertest.Tab, text string) {
	page.Type("#text", text)
	page.Enter(0)
}

func TestPageFillsInAndPressesACard(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	posted(t, s, alex, withCards(survey()))
	page.Click(`.card button[value="Send"]`) // without stars the browser keeps the form
	page.Wait(`document.querySelector(".rating input").validity.valueMissing`, "true")
	page.Click(".rating label:nth-of-type(4)")
	page.Click(`.card button[value="Send"]`)
	page.Wait(theirCard, "Your response was sent: Send")
	k.waitFor(func(a activity.Activity) bool { return string(a.Value) == `{"stars":4,"survey":7}` })
	posted(t, s, alex, withCards(picks()))
	page.Wait(`document.querySelector("a.action")?.href`, "https://example.com/terms")
	page.Click(`button[value="Refund"]`)
	page.Wait(lastLine, "I want a refund")

	posted(t, s, alex, withCards(object{"contentType": "image/gif", "contentUrl": dataURL("image/gif", pixel), "name": "A dot"}))
	page.Wait(`[...document.querySelectorAll(".picture img")].at(-1)?.naturalWidth`, "1")
	posted(t, s, alex, object{"type": "message", "text": "?", "suggestedActions": object{"actions": []object{{"type": "imBack", "title": "Yes", "value": "yes, please"}}}})
	page.Click(".suggestions button")
	page.Wait(lastLine, "yes, please")
}

func TestPageSendsFilesAndChangesLines(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	page.Eval(attach)
	page.Wait(`document.querySelectorAll("#attached li").length`, "2")
	page.Wait(`document.querySelector("#send").disabled`, "false")
	pageSays(page, "two files")
	page.Wait(`document.querySelector("#log .file b")?.textContent`, "bill.txt")
	page.Wait(`document.querySelector("#log .picture img")?.naturalWidth`, "1")
	page.Wait(`document.querySelectorAll("#attached li").length`, "0")
	if a := k.waitText("two files").Attachments; len(a) != 2 || a[0].ContentType != "image/*" || a[1].Name != "bill.txt" {
		t.Errorf("sent %+v", a)
	}

	tool := func(name string) string { return `#log li:last-child .tools button[data-tool="` + name + `"]` }
	page.Eval(`document.querySelector('` + tool("edit") + `').click()`)
	page.Wait(`document.querySelector("#about-text").textContent`, "Editing a message")
	pageSays(page, ", as told")
	page.Wait(lastLine, "two files, as toldEdited")
	page.Eval(`document.querySelector('` + tool("delete") + `').click()`)
	page.Wait(lastLine, "This message has been deleted.")
	page.Eval(`document.querySelector('` + tool("undo") + `').click()`)
	page.Wait(lastLine, "two files, as toldEdited")

	posted(t, s, alex, hello)
	page.Wait(lastLine, "Ann: hello")
	page.Eval(`document.querySelector('` + tool("like") + `').click()`)
	page.Wait(`document.querySelector(".reactions")?.textContent`, "👍")
	page.Eval(`document.querySelector('` + tool("reply") + `').click()`)
	pageSays(page, "hello yourself")
	page.Wait(lastLine, "hello yourself")
	k.waitText("Contoso copilot\n**Ann**: hello\n\nhello yourself")
}

func TestPageSettings(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	page.Click("#settings-open")
	page.Wait(`document.querySelector("#profile [name=name]").value`, "Alex Wilber")
	page.Eval(`document.querySelector("#profile [name=locale]").value = "de-DE"`)
	page.Type(`#profile [name=variables]`, `{"Order": 4711}`)
	page.Click(`#profile button`)
	page.Wait(`document.querySelector("#profile-state").textContent`, "Saved.")
	page.Click(`#switches [name=dropTyping]`)
	page.Wait(`document.querySelector("#switches-state").textContent`, "Saved.")
	page.Click("#uninstall")
	page.Wait(`document.querySelector("#uninstall").textContent`, "Install the app")
	page.Wait(`document.querySelector("#text").disabled`, "true")
	page.Click("#uninstall")
	page.Wait(`document.querySelector("#text").disabled`, "false")
	page.Click("#cancel")
	page.Wait(holder, "Copilot")
	page.Click("#settings-close")
	if got := alex.Profile(); got.Locale != "de-DE" || got.Variables["Order"] != 4711.0 || !s.Switches().DropTyping {
		t.Errorf("profile %+v, switches %+v", got, s.Switches())
	}
	k.waitFor(func(a activity.Activity) bool { return a.Type == activity.TypeEndOfConversation })
}

// TestPagePictures shows everything the page can show. With TEST_SCREENSHOTS it
// takes pictures.
func TestPagePictures(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	page := browsertest.Open(t, s.URL())
	page.Wait(`document.title`, "Alex Wilber | Contoso copilot")
	k.proactive(t.Context(), alex.Conversation(), "**Adele Vance**: Is this the box?")
	sandboxtest.Send(t, alex, sandbox.Message{Text: "Yes. Here is the bill.", Files: []sandbox.File{report}})
	edited := posted(t, s, alex, object{"type": "message", "text": "**Adele Vance**: Thank yuo!"})
	if status := send(t.Context(), t, http.MethodPut, chatURL(s, alex.Conversation())+"/"+edited, botToken(t.Context(), t, s),
		object{"type": "message", "text": "**Adele Vance**: Thank you!"}); status != http.StatusOK {
		t.Errorf("edit: %d", status)
	}
	posted(t, s, alex, consentCard())
	posted(t, s, alex, withCards(survey()))
	page.Wait(`document.querySelectorAll("#log .card").length`, "2")
	page.Wait(`[...document.querySelectorAll("#log .bubble")].at(-1)?.innerText`, "Adele Vance: Thank you!Edited")
	wide := page.Eval(`document.documentElement.scrollWidth <= innerWidth`)
	if folder := os.Getenv("TEST_SCREENSHOTS"); folder != "" {
		for _, scheme := range []string{"light", "dark"} {
			page.Picture(filepath.Join(folder, "teams-cards-"+scheme+".png"), scheme, 1280, 800)
			page.Picture(filepath.Join(folder, "teams-cards-"+scheme+"-narrow.png"), scheme, 390, 780)
		}
		page.Click("#settings-open")
		page.Wait(`document.querySelector("#profile [name=name]").value`, "Alex Wilber")
		page.Picture(filepath.Join(folder, "teams-settings.png"), "light", 1280, 800)
		page.Picture(filepath.Join(folder, "teams-settings-narrow.png"), "dark", 390, 780)
	}
	page.Picture(filepath.Join(t.TempDir(), "narrow.png"), "dark", 360, 640)
	if narrow := page.Eval(`document.documentElement.scrollWidth <= innerWidth`); strings.Contains(wide+narrow, "false") {
		t.Errorf("the page is wider than the window: %s, %s", wide, narrow)
	}
}
