package relay

import (
	"cmp"
	"time"

	"github.com/liaison-skill/liaison/internal/env"
)

// Config is what an operator sets of the copilot that answers in hubs' own chats.
type Config struct {
	TokenEndpoint string       `env:"TOKEN_ENDPOINT" help:"Copilot Studio's token endpoint of the copilot that answers in hubs' own chats, with its api-version"`
	Secret        env.Secret   `env:"DIRECTLINE_SECRET" help:"secret of the copilot's Direct Line channel, in place of the endpoint"`
	Base          string       `env:"DIRECTLINE_BASE" help:"Direct Line's URL in the copilot's region; Copilot Studio is asked for it by default"`
	Keep          env.Duration `env:"KEEP, default=1h" help:"a conversation in which nobody talks can be gone on with for so long; 0s only as long as its token lasts by itself"`
	Quiet         env.Duration `env:"QUIET, default=2m" help:"nobody talks for so long: the stream is closed until somebody does"`
	Streams       int          `env:"STREAMS, default=2000" help:"most conversations one replica listens to at once"`
	Unavailable   string       `env:"EVENT_UNAVAILABLE, default=handoff.unavailable" help:"event that tells the copilot that nobody can take over; none if off"`
	Returned      string       `env:"EVENT_RETURNED, default=off" help:"event that tells the copilot that people gave the conversation back; none if off"`
}

// off is the name of no event.
const off = "off"

// withDefaults fills in what a Config has that nobody read from variables.
func (c Config) withDefaults() Config {
	c.Quiet = cmp.Or(c.Quiet, env.Duration(2*time.Minute))
	c.Streams = cmp.Or(c.Streams, 2000)
	c.Unavailable = cmp.Or(c.Unavailable, "handoff.unavailable")
	c.Returned = cmp.Or(c.Returned, off)
	return c
}

// keep is how long a token is renewed although nobody talks. With the secret a
// conversation outlives its token.
func (c Config) keep() time.Duration {
	if c.Secret != "" {
		return 0
	}
	return time.Duration(c.Keep)
}
