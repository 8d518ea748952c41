package delivery

import (
	"context"
	"time"
)

// An extent is what a Send's context was before it got its deadline.
type extent struct {
	whole   context.Context //nolint:containedctx // it is on its way down, as every context
	expires time.Time       // of the delivery; zero: never
}

type extentKey struct{}

// limit ends an attempt's context when its time is up, or its delivery's.
func limit(whole context.Context, at, expires time.Time) (context.Context, context.CancelFunc) {
	ctx := context.WithValue(whole, extentKey{}, extent{whole, expires})
	return context.WithDeadline(ctx, earlier(at, expires))
}

// Extend returns the context of a Send that takes longer than Config.Timeout: it
// ends d from now, or with the delivery or the lane's ownership. Elsewhere than in
// a Send it is a timeout.
func Extend(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	e, ok := ctx.Value(extentKey{}).(extent)
	if !ok {
		return context.WithTimeout(ctx, d)
	}
	return context.WithDeadline(e.whole, earlier(time.Now().Add(d), e.expires))
}

func earlier(at, expires time.Time) time.Time {
	if !expires.IsZero() && expires.Before(at) {
		return expires
	}
	return at
}
