package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/liaison-skill/liaison/proactive"
)

// complainEvery is how often an operator is told of the same credential.
const complainEvery = time.Minute

// send posts an activity. Where the credential for it is refused everything waits,
// and only a person can help.
func (b *Bridge) send(ctx context.Context, p proactive.Post) (string, error) {
	made, err := b.opt.Client.Send(ctx, p)
	var credential interface{ Misconfigured() bool }
	if !errors.As(err, &credential) || !credential.Misconfigured() {
		return made, err
	}
	now, last := time.Now().UnixNano(), b.complained.Load()
	if now-last > int64(complainEvery) && b.complained.CompareAndSwap(last, now) {
		b.opt.Log.ErrorContext(ctx, "credential refused", "err", err,
			"hint", "what is said to Teams and to copilots waits, for LIAISON_DELIVERY_GIVE_UP at most: "+
				"replace the connection's secret or certificate, or repair its registration in Entra ID (docs/security.md)")
	}
	return made, err
}
