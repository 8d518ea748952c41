package browsertest

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Heap returns how many bytes of JavaScript the page holds on to.
func (t Tab) Heap() int64 {
	t.tb.Helper()
	var used int64
	t.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			return err
		}
		usage, err := chromedp.Call(ctx, runtime.GetHeapUsage, cdp.Empty{})
		used = int64(usage.UsedSize)
		return err
	}))
	return used
}

// Busy returns how much of a processor's time the page's main thread has had since
// it was first asked.
func (t Tab) Busy() time.Duration {
	t.tb.Helper()
	var busy time.Duration
	t.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
			return err
		}
		got, err := chromedp.Call(ctx, performance.GetMetrics, cdp.Empty{})
		for _, m := range got.Metrics {
			if m.Name == "TaskDuration" {
				busy = time.Duration(m.Value * float64(time.Second))
			}
		}
		return err
	}))
	return busy
}
