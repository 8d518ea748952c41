package app

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/texts"
)

// minTTL is the least that somebody needs who reads a card before they press its
// button.
const minTTL = 10 * time.Second

// Commands of the message extension, as the app's manifest names them.
const (
	commandPerson = "talkToPerson"
	commandSearch = "search"
)

// extension is the message extension of our own bot.
func (c Config) extension(pool *pgxpool.Pool, t *texts.Catalogue, log *slog.Logger, m handoff.Meter) (*handoff.Extension, error) {
	sources := map[string]handoff.Source{commandPerson: handoff.Person{Texts: t, Queue: c.Handoff.Queue}}
	if c.Handoff.Catalogue != "" {
		catalogue, err := handoff.LoadCatalogue(c.Handoff.Catalogue)
		if err != nil {
			return nil, fmt.Errorf("LIAISON_HANDOFF_CATALOGUE: %w", err)
		}
		sources[commandSearch] = catalogue
	}
	return &handoff.Extension{DB: pool, TTL: time.Duration(c.Handoff.TTL), Sources: sources, Texts: t, Log: log, Meter: m}, nil
}

// ownBot is the app id of our own bot in Teams, "" for none.
func (c Config) ownBot() string {
	ours := c.Auth.SkillAppID
	if c.Handoff.BotID != "" || len(ours) == 0 {
		return strings.ToLower(c.Handoff.BotID)
	}
	return strings.ToLower(ours[len(ours)-1])
}

// ofUsers limits what one user asks of our own bot.
func (c Config) ofUsers() *web.Limiter {
	return web.NewLimiter(web.Limits{PerCaller: c.Handoff.PerUser, PerCallerBurst: c.Handoff.PerUserBurst})
}

// checkHandoff finds settings with which no link would be good.
func (c *Config) checkHandoff(p *problems) {
	h := c.Handoff
	if time.Duration(h.TTL) < minTTL {
		p.add(prefix+"HANDOFF_TTL", "must be at least %s", minTTL)
	}
	switch {
	case !(h.PerUser >= 0): // also what is no number
		p.add(prefix+"HANDOFF_PER_USER", "must not be negative")
	case h.PerUser > 0 && h.PerUserBurst < 1:
		p.add(prefix+"HANDOFF_PER_USER_BURST", "must be positive")
	}
	if h.BotID != "" && !slices.ContainsFunc(c.Auth.SkillAppID, func(id string) bool { return strings.EqualFold(id, h.BotID) }) {
		p.add(prefix+"HANDOFF_BOT_ID", "must be one of LIAISON_SKILL_APP_ID, or Teams' calls for it are refused")
	}
	if h.Catalogue == "" {
		return
	}
	if _, err := handoff.LoadCatalogue(h.Catalogue); err != nil {
		p.add(prefix+"HANDOFF_CATALOGUE", "%w", err)
	}
}
