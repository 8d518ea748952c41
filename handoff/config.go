package handoff

import (
	"context"
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

// Run sweeps until ctx ends. Replicas do not disturb each other.
func (e *Extension) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := e.sweep(ctx); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "sweep handoffs", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (e *Extension) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	n, err := Sweep(ctx, e.DB)
	e.count(Expired, n)
	return err
}
