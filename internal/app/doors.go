package app

import (
	"errors"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/metrics"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/skill"
	"github.com/liaison-skill/liaison/survey"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/webhook"
)

// A mounter has routes of its own.
type mounter interface{ Mount(r gin.IRouter) }

// doors are what callers reach.
type doors struct {
	who       identity
	log       *slog.Logger
	metrics   *metrics.Metrics
	texts     *texts.Catalogue
	bridge    *bridge.Bridge
	relay     *relay.Relay
	extension *handoff.Extension
	readers   map[string]livechat.Reader
	canvases  map[string]livechat.CanvasReader
	others    []mounter
}

// mount opens the doors.
func (c Config) mount(r *gin.Engine, d doors) error {
	limiter := web.NewLimiter(c.Rate)
	for _, h := range append([]mounter{
		&skill.Handler{
			Bridge: d.bridge, Verifier: d.who.verifier, Hosts: d.who.hosts, Log: d.log, MaxBody: int64(c.MaxBody), Limiter: limiter,
			Reacted: d.metrics.Reacted, Agents: d.texts.In(c.Locale, ""),
			Extension: d.extension, OwnBot: c.ownBot(), Users: c.ofUsers(),
		},
		&webhook.Handler{
			Bridge: d.bridge, Hubs: d.readers, Default: c.HubNames[0], Log: d.log, MaxBody: int64(c.MaxBody), Limiter: limiter,
			Relay: d.relay, Canvases: d.canvases,
		},
	}, d.others...) {
		h.Mount(r)
	}
	return errors.Join(
		(&survey.Handler{Bridge: d.bridge, Texts: d.texts, Log: d.log, Limiter: limiter}).Mount(r),
		legal{c.PrivacyURL, c.TermsURL, time.Duration(c.Retention), time.Duration(c.Handoff.TTL)}.mount(r),
	)
}
