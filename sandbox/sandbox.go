package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/internal/web"
)

// Identifiers used when a Config leaves them out.
const (
	defaultTenantID     = "11111111-1111-4111-8111-111111111111"
	defaultCopilotAppID = "aaaaaaaa-0000-4000-8000-000000000001"
	defaultSkillAppID   = "bbbbbbbb-0000-4000-8000-000000000002"
	defaultDeskAppID    = "dddddddd-0000-4000-8000-000000000004"
)

// defaultPatience is how long the copilot waits for a skill. Bot Service allows
// its bots 15 s; Copilot Studio does not publish its own figure.
const defaultPatience = 15 * time.Second

// drain bounds the end of Run. Streams and hanging faults end at once.
const drain = 5 * time.Second

// A Config describes one sandbox. Only BaseURL is required.
type Config struct {
	BaseURL  string // how the others reach the sandbox, like http://127.0.0.1:5002
	SkillURL string // the skill's messages endpoint; may be set later, see SetSkillURL

	TenantID      string
	CopilotAppID  string
	CopilotSecret string // random when empty, see Env
	SkillAppID    string
	SkillSecret   string // random when empty, see Env
	BotAppID      string // a bot of the service's own, with a chat for every user; the skill's app may be it; "" for none
	BotSecret     string // random when empty, see Env
	DeskAppID     string // the app through which live agents sign in
	DeskSecret    string // random when empty, see DeskEnv
	DeskPublic    bool   // the desk's app has no secret

	Style         Style         // how the host writes its calls of the skill
	ExpectReplies bool          // ask for answers in the response; Copilot Studio's test pane does
	Patience      time.Duration // longest wait for the skill, 15 s when zero
	Limits        bool          // enforce the rate limits of Teams
	Switches      Switches      // behaviours to choose from, see SetSwitches
	StateFile     string        // conversations outlive a restart in this file; "" keeps them in memory
	Log           *slog.Logger  // discards when nil
}

// A Style is a way of calling a skill that is known from the wire.
type Style int

// The styles of skill hosts.
const (
	// StyleCopilotStudio passes the user's own conversation id and nothing that
	// relates to the channel.
	StyleCopilotStudio Style = iota
	// StyleBotFramework mints a conversation id for the skill, forgets it at
	// endOfConversation, and gives the channel's reference in relatesTo.
	StyleBotFramework
)

// A Sandbox is one tenant with one copilot and its users. Make it with New.
type Sandbox struct {
	cfg     Config
	log     *slog.Logger
	engine  *gin.Engine
	journal journal
	client  *http.Client // to the skill
	keys    keyRing

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced by every update
	skill    string        // the skill's messages endpoint
	bot      string        // the endpoint of a bot that gets Teams' invokes; "": Copilot Studio
	record   record
	faults   []standingFault
	parts    []Part
	broken   map[string]bool // parts, by id
	hurt     map[Leg]wound
	happened []happening
	lastID   int64
	sent     window // what the connector took in this tenant

	people         []*person // in the order they came
	byName         map[string]*person
	byConversation map[activity.ConversationID]*person
	bySkill        map[activity.ConversationID]*person // conversations a host of the Bot Framework minted

	switches Switches
	direct   *directLine

	files   filing
	uploads map[string]*upload
	invokes []Invoke

	extensions []extension // of the apps that Microsoft 365 Copilot has

	tokensV1      bool                     // what Entra issues
	registrations map[string]*registration // by app
	assertions    map[string]bool          // ids of those that were used
	desk          string                   // where agents come from and go back to
	codes         map[string]signInCode    // issued and not redeemed
	idToken       Token                    // how the next id_tokens differ from good ones
}

// New checks cfg, fills in what it leaves out and makes the signing keys.
func New(cfg Config) (*Sandbox, error) {
	if cfg.BaseURL == "" {
		return nil, errors.New("sandbox: BaseURL is required: listen first, then say where")
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	cfg.TenantID = strings.ToLower(cmp.Or(cfg.TenantID, defaultTenantID))
	cfg.CopilotAppID = strings.ToLower(cmp.Or(cfg.CopilotAppID, defaultCopilotAppID))
	cfg.CopilotSecret = cmp.Or(cfg.CopilotSecret, rand.Text())
	cfg.SkillAppID = strings.ToLower(cmp.Or(cfg.SkillAppID, defaultSkillAppID))
	cfg.SkillSecret = cmp.Or(cfg.SkillSecret, rand.Text())
	cfg.BotAppID = strings.ToLower(cfg.BotAppID)
	cfg.BotSecret = cmp.Or(cfg.BotSecret, rand.Text())
	cfg.DeskAppID = strings.ToLower(cmp.Or(cfg.DeskAppID, defaultDeskAppID))
	cfg.DeskSecret = cmp.Or(cfg.DeskSecret, rand.Text())
	if cfg.DeskPublic {
		cfg.DeskSecret = ""
	}
	cfg.Patience = cmp.Or(cfg.Patience, defaultPatience)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	s := &Sandbox{
		cfg:      cfg,
		log:      cfg.Log,
		client:   jsonhttp.NewClient(0, http.DefaultTransport), // each call brings its own deadline
		changed:  make(chan struct{}),
		skill:    cfg.SkillURL,
		switches: cfg.Switches,

		record:         record{requests: map[Leg][]*Request{}, answered: map[Leg]int{}},
		broken:         map[string]bool{},
		hurt:           map[Leg]wound{},
		byName:         map[string]*person{},
		byConversation: map[activity.ConversationID]*person{},
		bySkill:        map[activity.ConversationID]*person{},
		files:          filing{byID: map[string]*file{}},
		uploads:        map[string]*upload{},
		registrations:  map[string]*registration{},
		assertions:     map[string]bool{},
		codes:          map[string]signInCode{},
	}
	if err := s.keys.renew(cfg.BaseURL, false); err != nil {
		return nil, fmt.Errorf("make signing keys: %w", err)
	}
	s.AcceptSecret(cfg.CopilotAppID, cfg.CopilotSecret)
	s.AcceptSecret(cfg.SkillAppID, cfg.SkillSecret)
	s.AcceptSecret(cfg.DeskAppID, cfg.DeskSecret)
	if cfg.hasBot() {
		s.AcceptSecret(cfg.BotAppID, cfg.BotSecret)
	}
	s.direct = newDirectLine(s)
	s.engine = s.routes()
	if err := s.restore(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler serves every part of the sandbox.
func (s *Sandbox) Handler() http.Handler { return s.engine }

// Run serves the sandbox on ln until ctx ends, and then lets go of the state
// file.
func (s *Sandbox) Run(ctx context.Context, ln net.Listener) error {
	return errors.Join(web.Serve(ctx, ln, s.engine, drain), s.journal.close())
}

// URL returns the base URL, without a trailing slash.
func (s *Sandbox) URL() string { return s.cfg.BaseURL }

// SetSkillURL says where the skill's messages endpoint is.
func (s *Sandbox) SetSkillURL(url string) {
	s.update(func() { s.skill = url })
}

// SetDeskURL says where the desk is, whose agents may sign in: the URL itself and
// its /auth/callback are where browsers are sent back to.
func (s *Sandbox) SetDeskURL(url string) {
	s.update(func() { s.desk = strings.TrimSuffix(url, "/") })
}

// DeskEnv returns the variables with which Contoso Live Chat signs its agents in
// at this sandbox. One of them is a secret.
func (s *Sandbox) DeskEnv() map[string]string {
	return map[string]string{
		"CONTOSO_OIDC_ISSUER":        s.entraIssuer(),
		"CONTOSO_OIDC_CLIENT_ID":     s.cfg.DeskAppID,
		"CONTOSO_OIDC_CLIENT_SECRET": s.cfg.DeskSecret,
	}
}

// Env returns the variables that point a service at this sandbox. Some of them
// are secrets.
func (s *Sandbox) Env() map[string]string {
	c := s.cfg
	settings := map[string]string{
		"LIAISON_ENTRA_URL":                        c.BaseURL + "/entra",
		"LIAISON_CHANNEL_METADATA_URL":             c.BaseURL + "/channel/v1/.well-known/openidconfiguration",
		"LIAISON_SKILL_APP_ID":                     c.SkillAppID,
		"LIAISON_TENANT_ID":                        c.TenantID,
		"LIAISON_ALLOWED_CALLERS":                  c.CopilotAppID,
		"LIAISON_CONNECTIONS":                      "copilot,skill",
		"LIAISON_CONNECTION_COPILOT_CLIENT_ID":     c.CopilotAppID,
		"LIAISON_CONNECTION_COPILOT_TENANT_ID":     c.TenantID,
		"LIAISON_CONNECTION_COPILOT_CLIENT_SECRET": c.CopilotSecret,
		"LIAISON_CONNECTION_SKILL_CLIENT_ID":       c.SkillAppID,
		"LIAISON_CONNECTION_SKILL_TENANT_ID":       c.TenantID,
		"LIAISON_CONNECTION_SKILL_CLIENT_SECRET":   c.SkillSecret,
		"LIAISON_CONNECTIONS_MAP":                  c.BaseURL + "/teams*=copilot," + c.BaseURL + "/pvaruntime*=skill",
		"LIAISON_TRUSTED_SERVICE_URLS":             c.BaseURL + "/*",
		"LIAISON_CONNECTOR_URL":                    s.connectorURL(),
		"LIAISON_COPILOT_TOKEN_ENDPOINT":           s.Direct().TokenURL(),
	}
	if c.hasBot() {
		settings["LIAISON_SKILL_APP_ID"] += "," + c.BotAppID
		settings["LIAISON_CONNECTIONS"] += ",bot"
		settings["LIAISON_CONNECTION_BOT_CLIENT_ID"] = c.BotAppID
		settings["LIAISON_CONNECTION_BOT_TENANT_ID"] = c.TenantID
		settings["LIAISON_CONNECTION_BOT_CLIENT_SECRET"] = c.BotSecret
	}
	return settings
}

// hasBot reports whether the service's own bot has an app of its own.
func (c Config) hasBot() bool {
	return c.BotAppID != "" && !strings.EqualFold(c.BotAppID, c.SkillAppID)
}

// connectorURL is the service URL of Teams.
func (s *Sandbox) connectorURL() string { return s.cfg.BaseURL + "/teams/" }

// hostURL is the service URL of Copilot Studio's runtime.
func (s *Sandbox) hostURL() string {
	return s.cfg.BaseURL + "/pvaruntime/api/runtime/bots/" + s.cfg.CopilotAppID + "/skillsV2/"
}

func (s *Sandbox) routes() *gin.Engine {
	r := web.NewEngine(s.log)
	// Conversation ids hold escaped slashes: they are one segment, and are
	// unescaped in pathValue, because gin would turn + into a space.
	r.UseEscapedPath = true
	r.UnescapePathValues = false
	r.RedirectTrailingSlash = false
	s.mountEntra(r)
	s.mountSignIn(r)
	s.mountConnector(r)
	s.mountHost(r)
	s.mountFiles(r)
	s.mountDirectLine(r)
	s.mountPage(r)
	s.mountCopilot(r)
	return r
}

// update changes what mu guards and wakes everybody who waits for a change.
func (s *Sandbox) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// await blocks until done, called under mu, reports true, or ctx ends.
func (s *Sandbox) await(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := done(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
