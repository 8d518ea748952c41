package contoso_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A tab is one page in a browser of its own.
type tab struct {
	tb  testing.TB
	ctx context.Context
}

// browse opens a page. Without a browser on this machine the test is skipped,
// unless LIAISON_REQUIRE_BROWSER is 1.
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
	// Cleanup ends the browser in order; the test's own context would kill it.
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

// eval returns the value of a JavaScript expression as a string.
func (t tab) eval(expression string) string {
	t.tb.Helper()
	value, err := chromedp.Run(t.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		t.tb.Fatalf("browser: %s: %v", expression, err)
	}
	return value
}

// until waits for an expression to have a value.
func (t tab) until(expression, want string) {
	t.tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := t.eval(expression)
		if got == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.tb.Fatalf("%s is %q, want %q", expression, got, want)
		}
	}
}
