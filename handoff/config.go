package handoff

import (
	"context"
	"log/slog"
	"time"

	"github.com/liaison-skill/liaison/internal/env"
)

// Config is what an operator sets.
type Config struct {
	TTL          env.Duration `env:"TTL, default=15m" help:"how long a link from Copilot is good"`
	BotID        string       `env:"BOT_ID" help:"app id of our own Teams bot, for links that other agents ask for; the last of LIAISON_SKILL_APP_ID by default"`
	Queue        string       `env:"QUEUE" help:"the hub's queue for users of Copilot who named none"`
	Catalogue    string       `env:"CATALOGUE" help:"JSON or CSV file that the message extension searches; empty: it offers a person only"`
	PerUser      float64      `env:"PER_USER, default=1" help:"searches and links of one user a second, above which Teams gets 429; 0: no limit"`
	PerUserBurst int          `env:"PER_USER_BURST, default=20" help:"searches and links of one user at once"`
}

// How often expired handoffs are looked for, and how long that may take.
const (
	sweepEvery  = time.Minute
	sweepWithin = 10 * time.Second
)

// KeepSwept sweeps until ctx ends, and tells how many handoffs expired. Replicas do
// not disturb each other.
func KeepSwept(ctx context.Context, db DB, log *slog.Logger, expired func(n int64)) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := sweepOnce(ctx, db, expired); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "sweep handoffs", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func sweepOnce(ctx context.Context, db DB, expired func(n int64)) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	n, err := Sweep(ctx, db)
	expired(n)
	return err
}
