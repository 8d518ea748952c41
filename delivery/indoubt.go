package delivery

import "context"

// doubtKey finds in a Send's context whether its message may have arrived.
type doubtKey struct{}

func doubting(ctx context.Context, doubts int) context.Context {
	if doubts == 0 {
		return ctx
	}
	return context.WithValue(ctx, doubtKey{}, true)
}

// InDoubt reports, within a Send, whether an attempt before this one may have
// arrived: of a peer that tells no message from its repetition, it can be asked
// first. Elsewhere nothing is in doubt.
func InDoubt(ctx context.Context) bool {
	doubt, _ := ctx.Value(doubtKey{}).(bool)
	return doubt
}
