package files

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/fetch"
)

// perMessage is how many files one message may bring.
const perMessage = 10

// How far a fetch goes. The pace is 1 KiB a second; who keeps it may still take
// too long in all.
const (
	fetchTimeout  = 2 * time.Minute
	firstByte     = 10 * time.Second
	paceBytes     = 10 << 10
	paceWithin    = 10 * time.Second
	recordTimeout = 10 * time.Second
)

// Config is what an operator sets.
type Config struct {
	Max     env.Bytes `env:"MAX_ATTACHMENT, default=20MiB" help:"longest attachment"`
	Types   Types     `env:"ATTACHMENT_TYPES" help:"attachments that are taken, comma list of endings and types such as .pdf,image/*; all by default; programs and scripts never"`
	Uploads []string  `env:"FILE_UPLOADS, default=sharepoint.com,sharepoint.us,sharepoint-mil.us,sharepoint.cn" help:"domains whose hosts a user of our own bot may have an attachment uploaded to, comma list"`

	Links env.Duration `env:"FILE_LINKS, default=24h" help:"how long a link to an attachment is good"`
}

// A Peer is somebody whose URLs are known in advance.
type Peer struct {
	// Origins (scheme, host, port) are reached wherever they are, over http too.
	Origins []string

	// Sign adds the credential to requests for URLs that Trusted says may have it.
	// A redirect's target never gets it. Nil for no credential.
	Sign    func(base http.RoundTripper) http.RoundTripper
	Trusted func(rawURL string) bool
}

// Options are what a [Store] is made of.
type Options struct {
	Pool *pgxpool.Pool
	Log  *slog.Logger
	Config

	// Keep bounds how long a file is kept that nobody releases.
	Keep time.Duration

	// Peers, by the names that [Source].Credential has. The one named "" stands for
	// everybody else: it may have origins, no credential.
	Peers map[string]Peer

	// Net changes, in tests, how URLs are fetched: what is not zero counts.
	Net fetch.Config
}

// A Store adds, fetches and gives out files. Make it with [NewStore]. It starts
// no goroutine.
type Store struct {
	opt     Options
	clients map[string]*http.Client // by peer
	uploads *http.Client
}

// NewStore returns a store; the schema must be in place.
func NewStore(opt Options) (*Store, error) {
	s := &Store{opt: opt, clients: map[string]*http.Client{}}
	peers := map[string]Peer{"": {}}
	maps.Copy(peers, opt.Peers)
	for name, p := range peers {
		c, err := s.client(p)
		if err != nil {
			return nil, fmt.Errorf("files of %q: %w", name, err)
		}
		s.clients[name] = c
	}
	var err error
	if s.uploads, err = s.uploading(peers[""]); err != nil {
		return nil, fmt.Errorf("uploads: %w", err)
	}
	return s, nil
}

func (s *Store) client(p Peer) (*http.Client, error) {
	c := s.opt.Net
	c.MaxBody = int64(s.opt.Max)
	c.Timeout = cmp.Or(c.Timeout, fetchTimeout)
	c.FirstByte = cmp.Or(c.FirstByte, firstByte)
	c.Pace = cmp.Or(c.Pace, fetch.Pace{Bytes: paceBytes, Within: paceWithin})
	for _, raw := range p.Origins {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("%q is not a URL with a host", raw)
		}
		c.Origins = append(c.Origins, u)
	}
	client := fetch.NewClient(c)
	if p.Sign != nil {
		client.Transport = &signer{trusted: p.Trusted, signed: p.Sign(client.Transport), plain: client.Transport}
	}
	return client, nil
}

// Max is the longest file that is taken, in bytes.
func (s *Store) Max() int64 { return int64(s.opt.Max) }

// A signer sends the first request of a fetch with a credential when its URL may
// have it, and all that follow a redirect without.
type signer struct {
	trusted       func(string) bool
	signed, plain http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Response == nil && s.trusted(req.URL.String()) {
		return s.signed.RoundTrip(req)
	}
	return s.plain.RoundTrip(req)
}
