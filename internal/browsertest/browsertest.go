// Package browsertest drives pages in a real headless Chromium for tests.
package browsertest

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience bounds every wait, life most tests' browser.
const (
	patience = time.Minute
	life     = 6 * time.Minute
)

// Shift is the modifier of that key in the DevTools protocol.
const Shift = 8

// A Tab is one page in a browser of its own.
type Tab struct {
	tb    testing.TB
	ctx   context.Context // it is the tab, as chromedp has it
	frame bool            // it evaluates in the page's first frame
}

// Open opens a page, 1280 by 800. Where there is no Chromium the test is skipped,
// with the reason; TEST_REQUIRE_BROWSER=1 makes that a failure.
func Open(tb testing.TB, url string) Tab {
	tb.Helper()
	return OpenFor(tb, url, life)
}

// OpenFor is Open for a test that takes longer than most.
func OpenFor(tb testing.TB, url string, life time.Duration) Tab {
	tb.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(tb)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true))
	// Cleanup ends the browser in order; the test's own context would kill it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), life)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	tb.Cleanup(cancel)
	t := Tab{tb: tb, ctx: ctx}
	t.Do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))
	return t
}

func chromium(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("TEST_REQUIRE_BROWSER") == "1" {
		tb.Fatal("a browser is required, and no chromium is installed")
	}
	tb.Skip("no chromium is installed")
	return ""
}

// Do runs steps.
func (t Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	t.tb.Helper()
	if err := chromedp.Do(t.ctx, steps...); err != nil {
		t.tb.Fatalf("browser: %v", err)
	}
}

// Eval returns the value of a JavaScript expression as a string.
func (t Tab) Eval(expression string) string {
	t.tb.Helper()
	value, err := t.eval(expression)
	if err != nil {
		t.tb.Fatalf("browser: %s: %v", expression, err)
	}
	return value
}

func (t Tab) eval(expression string) (string, error) {
	if t.frame {
		return chromedp.Run(t.ctx, inFrame("String("+expression+")"))
	}
	return chromedp.Run(t.ctx, chromedp.Evaluate[string]("String("+expression+")"))
}

// Wait waits until an expression has the value want. Meanwhile it may fail: between
// two pages there is nothing to ask.
func (t Tab) Wait(expression, want string) {
	t.tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := t.eval(expression)
		if err == nil && got == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.tb.Fatalf("browser: %s is %q (%v), want %q", expression, got, err, want)
		}
	}
}

// Watch looks at each change of the page from now on. The function that it returns
// waits until an expression has had the value want, though that may be over by then.
func (t Tab) Watch(expression, want string) (seen func()) {
	t.tb.Helper()
	id := rand.Text()
	t.Eval(`(() => {
		globalThis.seen ??= {};
		const look = () => { if (String(` + expression + `) === ` + strconv.Quote(want) + `) globalThis.seen["` + id + `"] = true; };
		new MutationObserver(look).observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
		look();
	})()`)
	return func() {
		t.tb.Helper()
		t.Wait(`globalThis.seen["`+id+`"]`, "true")
	}
}

// Click clicks what a selector finds. A page may replace it meanwhile: then it is
// looked for again.
func (t Tab) Click(selector string) {
	t.tb.Helper()
	deadline := time.Now().Add(patience)
	err := chromedp.Do(t.ctx, chromedp.Click(selector))
	for err != nil && strings.Contains(err.Error(), "node") && time.Now().Before(deadline) {
		err = chromedp.Do(t.ctx, chromedp.Click(selector))
	}
	if err != nil {
		t.tb.Fatalf("browser: click %s: %v", selector, err)
	}
}

// Type types text into what a selector finds.
func (t Tab) Type(selector, text string) {
	t.tb.Helper()
	t.Do(chromedp.SendKeys(selector, text))
}

// Enter presses Enter as a keyboard does: the character comes with the key, and
// does not come when the page refuses the key.
func (t Tab) Enter(modifiers int64) {
	t.tb.Helper()
	t.key(input.DispatchKeyEventParams{
		Type: "keyDown", Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, Modifiers: modifiers,
	})
}

// Press presses the key of one character in the same way.
func (t Tab) Press(character string) {
	t.tb.Helper()
	t.key(input.DispatchKeyEventParams{Type: "keyDown", Key: character, Text: character})
}

func (t Tab) key(key input.DispatchKeyEventParams) {
	t.tb.Helper()
	t.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, key)
		return err
	}))
}

// Prefer tells the page what its reader prefers, by the name of a media feature.
func (t Tab) Prefer(feature, value string) {
	t.tb.Helper()
	t.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	}))
}

// finished is the page once what is animated has come to its end, like a change of
// colours; what never ends goes on.
const finished = `document.getAnimations().filter(a => a.effect.getComputedTiming().endTime !== Infinity).forEach(a => a.finish())`

// Picture writes a screenshot of the page, width by height, in a colour scheme,
// "light" or "dark", to file.
func (t Tab) Picture(file, scheme string, width, height int64) {
	t.tb.Helper()
	t.Do(chromedp.EmulateViewport(width, height))
	t.Prefer("prefers-color-scheme", scheme)
	t.Eval(finished)
	png, err := chromedp.Run(t.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.tb.Fatalf("browser: screenshot: %v", err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil { // a picture for the documentation
		t.tb.Fatal(err)
	}
}
