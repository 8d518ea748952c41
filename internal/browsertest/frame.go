package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Frame returns the page's first frame, in which a tab then evaluates and waits. Keys
// and clicks stay the page's: keys go where the focus is. It is for frames of the same
// site, on any port; those of another have a process of their own.
func (t Tab) Frame() Tab {
	t.frame = true
	return t
}

// inFrame evaluates an expression that is a string, in a world of its own: it has the
// frame's document and nothing of what its scripts have.
func inFrame(expression string) chromedp.Action[string] {
	return func(ctx context.Context, _ *chromedp.Target) (string, error) {
		tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return "", err
		}
		if len(tree.FrameTree.ChildFrames) == 0 {
			return "", errors.New("the page has no frame")
		}
		world, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{
			FrameID: tree.FrameTree.ChildFrames[0].Frame.ID, WorldName: "browsertest",
		})
		if err != nil {
			return "", err
		}
		got, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world.ExecutionContextID})
		if err != nil {
			return "", err
		}
		if got.ExceptionDetails != nil {
			return "", errors.New(got.ExceptionDetails.Text)
		}
		var value string
		if err := json.Unmarshal(got.Result.Value, &value); err != nil {
			return "", fmt.Errorf("decode value: %w", err)
		}
		return value, nil
	}
}
