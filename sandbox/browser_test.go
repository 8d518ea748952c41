package sandbox_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
)

// A tab is one page in a browser.
type tab struct {
	tb  testing.TB
	ctx context.Context //nolint:containedctx // it is the tab, as chromedp has it
}

// browse opens a page, or skips the test where there is no browser.
func browse(tb testing.TB, url string) tab {
	tb.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("LIAISON_REQUIRE_BROWSER") == "1" {
			tb.Fatalf("a browser is required: %v", err)
		}
		tb.Skipf("no browser: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	tb.Cleanup(cancel)
	t := tab{tb, ctx}
	t.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))
	return t
}

func (t tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.tb.Helper()
	if err := chromedp.Do(t.ctx, steps...); err != nil {
		t.tb.Fatalf("browser: %v", err)
	}
}

// eval returns the value of a JavaScript expression that is a string.
func (t tab) eval(expression string) string {
	t.tb.Helper()
	value, err := chromedp.Run(t.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		t.tb.Fatalf("browser: %s: %v", expression, err)
	}
	return value
}

// wait polls until expression has the value want.
func (t tab) wait(expression, want string) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 15*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var got string
	for {
		if got = t.eval(expression); got == want {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.tb.Fatalf("%s is %q, want %q", expression, got, want)
		}
	}
}

func (t tab) click(selector string) {
	t.tb.Helper()
	t.do(chromedp.Click(selector))
}

// shift is the modifier of that key in the DevTools protocol.
const shift = 8

// enter presses Enter as a keyboard does: the character comes with the key, and
// does not come when the page refuses the key.
func (t tab) enter(modifiers int64) {
	t.tb.Helper()
	key := input.DispatchKeyEventParams{
		Type: "keyDown", Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, Modifiers: modifiers,
	}
	t.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, key)
		return err
	}))
}

const (
	lastLine = `[...document.querySelectorAll("#log .bubble")].at(-1)?.innerText`
	lastHTML = `[...document.querySelectorAll("#log .bubble")].at(-1)?.innerHTML`
	holder   = `document.querySelector("#holder").innerText`
	bubbles  = `document.querySelectorAll("#log .bubble").length`
)

func TestPageCarriesAConversation(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	page := browse(t, s.URL())
	page.wait(`document.title`, "Alex Wilber | Contoso copilot")

	page.do(chromedp.SendKeys("#text", "Hello"))
	page.enter(0)
	page.wait(lastLine, strings.ReplaceAll(sandbox.Greeting, "**", ""))
	page.click(".suggestions button")
	page.wait(lastLine, sandbox.AskProblem)
	page.do(chromedp.SendKeys("#text", "It is <b>broken</b>"))
	page.enter(shift)
	page.do(chromedp.SendKeys("#text", "since Monday"))
	page.enter(0)
	page.wait(holder, "Waiting for a person")
	page.wait(`[...document.querySelectorAll(".mine .bubble")].at(-1).textContent`, "It is <b>broken</b>\nsince Monday")

	alex := s.User("Alex")
	text := "**Ann \\*A\\***: *see* `x<y` [docs](https://example.com/?a=1) [bad](javascript:alert(1)) <img src=x>\nsecond"
	k.proactive(t.Context(), alex.Conversation(), text)
	page.wait(holder, "Talking to a person")
	page.wait(lastHTML, `<strong>Ann *A*</strong>: <em>see</em> <code>x&lt;y</code> `+
		`<a href="https://example.com/?a=1" target="_blank" rel="noopener noreferrer">docs</a> `+
		"[bad](javascript:alert(1)) &lt;img src=x&gt;\nsecond")

	k.post(t.Context(), k.last(), activity.Activity{Type: activity.TypeTyping})
	page.wait(`document.querySelector("#typing").hidden`, "false")
	page.wait(`document.querySelector("#typing").hidden`, "true")

	page.click(`[data-name="Lee Gu"]`)
	page.wait(bubbles, "0")
	page.wait(holder, "Copilot")
	page.click(`[data-name="Alex Wilber"]`)
	page.wait(bubbles, "7")
	page.wait(holder, "Talking to a person")
	page.click(`#hints button:last-child`)
	page.wait(lastLine, sandbox.Back)
}

func TestPageMissesNothingOverARestart(t *testing.T) {
	t.Parallel()
	config := sandbox.Config{StateFile: filepath.Join(t.TempDir(), "state.jsonl")}
	first, stop := run(t, config, "127.0.0.1:0")
	newSkill(t, first)
	page := browse(t, first.URL())
	page.wait(`document.title`, "Alex Wilber | Contoso copilot")
	say(t, first.User("Alex"), "Hello")
	page.wait(bubbles, "2")
	stop()
	page.wait(`document.querySelector("#offline").hidden`, "false")
	page.do(chromedp.SendKeys("#text", "lost?"))
	page.enter(0)
	page.wait(`document.querySelector("#problem").textContent`, "The message could not be sent. Try again.")
	page.wait(`document.querySelector("#text").value`, "lost?")

	second, _ := run(t, config, strings.TrimPrefix(first.URL(), "http://"))
	newSkill(t, second)
	say(t, second.User("Alex"), "What did I miss?")
	page.wait(bubbles, "4")
	page.wait(`document.querySelector("#offline").hidden`, "true")
	page.wait(lastLine, strings.ReplaceAll(sandbox.Fallback, "**", ""))
}

func TestPageOrdersFaults(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	page := browse(t, s.URL())
	page.wait(`document.querySelectorAll("#fault-list button").length`, "7")
	page.click("#break")
	page.click("#fault-list button")
	page.wait(`document.querySelector("#fault-state").textContent`, "One fault is on.")
	conversation := s.User("Alex").Conversation()
	if status := k.proactive(t.Context(), conversation, "hi"); status != http.StatusTooManyRequests {
		t.Errorf("status %d, want 429", status)
	}
	page.click("#mend")
	page.wait(`document.querySelector("#fault-state").textContent`, "Everything works.")
	if status := k.proactive(t.Context(), conversation, "hi"); status != http.StatusCreated {
		t.Errorf("status %d, want 201", status)
	}
}
