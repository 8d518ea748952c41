package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// A chatter is people who send one text after the other until they are stopped.
type chatter struct {
	t    *testing.T
	stop chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex // of what was sent, too
	refused []string
}

// keep lets somebody send a text every so often; each may take within. What was
// sent is added to sent.
func (c *chatter) keep(every, within time.Duration, who string, sent *[]string, say func(ctx context.Context, text string) error) {
	pace := time.NewTicker(every)
	c.done.Go(func() {
		defer pace.Stop()
		for n := 0; ; n++ {
			select {
			case <-c.stop:
				return
			case <-pace.C:
			}
			text := fmt.Sprint(who, " ", n)
			ctx, cancel := context.WithTimeout(c.t.Context(), within)
			err := say(ctx, text)
			cancel()
			c.mu.Lock()
			*sent = append(*sent, text)
			if err != nil {
				c.refused = append(c.refused, text+": "+err.Error())
			}
			c.mu.Unlock()
		}
	})
}
