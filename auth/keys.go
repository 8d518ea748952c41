package auth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// When keys are fetched. The Bot Framework asks for a refresh every 24 hours; at
// half of it there is time left for an issuer that is down. A stranger can send
// unknown key ids as fast as he likes, so those cost one fetch a minute at most.
const (
	keysFresh    = 12 * time.Hour
	unknownFloor = time.Minute
	failureFloor = 5 * time.Second
	keysTimeout  = 10 * time.Second
	keysPatience = 1500 * time.Millisecond // of a request whose key is known, only old
	minKeyBits   = 2048
)

var (
	// errNoKeys means that the issuer's keys were never seen, so that no token of
	// its can be judged.
	errNoKeys = errors.New("issuer's keys are not available")

	errUnknownKey = errors.New("token is signed with a key its issuer does not publish")
)

// A key is a published key with the members Microsoft adds to RFC 7517's.
type key struct {
	jose.JSONWebKey
	Endorsements []string // channels it speaks for, see C# EndorsementsValidator
	Issuer       string   // whose tokens it signs, with {tenantid} for the tenant
}

// keySet is the keys of one issuer. It fetches them when first needed, again
// when they grow old or a token names one it does not know, and keeps the last
// good ones while the issuer is down. One fetch runs at a time, in the goroutine
// of a request that needs it.
type keySet struct {
	metadataURL string
	accept      func(key) bool // which of the published keys count; nil for all
	client      *http.Client
	log         *slog.Logger
	now         func() time.Time
	patience    time.Duration // keysPatience

	fetching chan struct{} // holds a token while a fetch runs

	mu      sync.Mutex
	keys    map[string]key // by id; nil until fetched
	fetched time.Time      // when keys were
	tried   time.Time      // when the last fetch ended, however it did
	asked   time.Time      // when the last fetch for an unknown id did; the first fetch is none
}

func newKeySet(metadataURL string, client *http.Client, log *slog.Logger) *keySet {
	return &keySet{
		metadataURL: metadataURL, client: client, log: log, now: time.Now, patience: keysPatience, fetching: make(chan struct{}, 1),
	}
}

// find returns the key of that id. It is errNoKeys or errUnknownKey when there
// is none, or ctx's error.
func (s *keySet) find(ctx context.Context, id string) (key, error) {
	arrived := s.now()
	k, known, due := s.state(id, arrived)
	if !due {
		return k, s.missing(known)
	}
	select {
	case s.fetching <- struct{}{}:
		defer func() { <-s.fetching }()
	default:
		if known {
			return k, nil // old, but somebody is at it
		}
		select {
		case s.fetching <- struct{}{}:
			defer func() { <-s.fetching }()
		case <-ctx.Done():
			return key{}, fmt.Errorf("wait for signing keys: %w", ctx.Err())
		}
	}
	if k, known, due = s.state(id, arrived); due {
		s.refresh(ctx, known)
		k, known, _ = s.state(id, arrived)
	}
	return k, s.missing(known)
}

// missing returns why a key that is not known is not.
func (s *keySet) missing(known bool) error {
	if known {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		return errNoKeys
	}
	return errUnknownKey
}

// state returns the key and whether a fetch is due for a request that arrived
// then. A fetch that ended after it arrived has answered it.
func (s *keySet) state(id string, arrived time.Time) (k key, known, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known = s.keys[id]
	since := s.now().Sub(s.tried)
	switch {
	case s.tried.After(arrived):
	case s.keys == nil:
		due = since >= failureFloor
	case !known:
		due = s.now().Sub(s.asked) >= unknownFloor
	default:
		due = s.now().Sub(s.fetched) >= keysFresh && since >= unknownFloor
	}
	return k, known, due
}

// refresh fetches the keys. It finishes although the request it serves may give
// up: others wait for it.
func (s *keySet) refresh(ctx context.Context, known bool) {
	timeout := keysTimeout
	if known {
		timeout = s.patience
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	keys, err := s.fetch(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "signing keys not refreshed", "metadata", withoutQuery(s.metadataURL), "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = s.now()
	if s.keys != nil && !known {
		s.asked = s.tried
	}
	if err == nil {
		s.keys, s.fetched = keys, s.tried
	}
}

func (s *keySet) fetch(ctx context.Context) (map[string]key, error) {
	var metadata struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := jsonhttp.Do(ctx, s.client, jsonhttp.Request{Method: http.MethodGet, URL: s.metadataURL, Out: &metadata}); err != nil {
		return nil, fmt.Errorf("fetch metadata: %w", err)
	}
	if err := checkURL(metadata.KeysURL); err != nil {
		return nil, fmt.Errorf("read metadata: jwks_uri: %w", err)
	}
	var published struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := jsonhttp.Do(ctx, s.client, jsonhttp.Request{Method: http.MethodGet, URL: metadata.KeysURL, Out: &published}); err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	keys := make(map[string]key)
	for _, raw := range published.Keys {
		if k, ok := parseKey(raw); ok && (s.accept == nil || s.accept(k)) {
			keys[k.KeyID] = k
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("read keys: none is usable")
	}
	return keys, nil
}

// parseKey reads an RSA key for signatures. Others may stand beside it and are
// none of our business.
func parseKey(raw json.RawMessage) (key, bool) {
	var extra struct {
		Endorsements []string `json:"endorsements"`
		Issuer       string   `json:"issuer"`
	}
	var k key
	if json.Unmarshal(raw, &k.JSONWebKey) != nil || json.Unmarshal(raw, &extra) != nil {
		return key{}, false
	}
	public, ok := k.Key.(*rsa.PublicKey)
	if !ok || public.N.BitLen() < minKeyBits || k.KeyID == "" || k.Use != "" && k.Use != "sig" {
		return key{}, false
	}
	k.Endorsements, k.Issuer = extra.Endorsements, extra.Issuer
	return k, true
}

// signsFor returns a filter for the keys that sign a tenant's tokens: Entra
// publishes keys of more than one issuer, and says whose each is. Version 1
// tokens are signed with the same keys.
func signsFor(issuer, tenant string) func(key) bool {
	return func(k key) bool {
		return k.Issuer == "" || strings.EqualFold(strings.ReplaceAll(k.Issuer, "{tenantid}", tenant), issuer)
	}
}

// signatures verifies one token with a keySet, as go-oidc wants it, and
// remembers the key that did, or that there was none: go-oidc drops the chain of
// errors.
type signatures struct {
	set     *keySet
	used    key
	findErr error
}

// VerifySignature implements oidc.KeySet.
func (s *signatures) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms())
	if err != nil {
		return nil, fmt.Errorf("parse token: %w", err)
	}
	k, err := s.set.find(ctx, jws.Signatures[0].Header.KeyID)
	if err != nil {
		s.findErr = err
		return nil, err
	}
	payload, err := jws.Verify(k.JSONWebKey)
	if err != nil {
		return nil, fmt.Errorf("verify signature: %w", err)
	}
	s.used = k
	return payload, nil
}

// algorithms are those of AuthenticationConstants.AllowedSigningAlgorithms in
// microsoft/botbuilder-dotnet. None needs a shared secret, none is "none".
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}
}
