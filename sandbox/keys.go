package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keyBits is the size of the keys Entra and the Bot Connector sign with.
const keyBits = 2048

// An issuerName picks one of the two token issuers.
type issuerName int

const (
	entra issuerName = iota
	channel
)

// A signingKey is one key of an issuer and how it is published.
type signingKey struct {
	id           string
	key          *rsa.PrivateKey
	issuer       string   // Entra's: whose tokens it signs
	endorsements []string // the Bot Connector's: which channels it speaks for
}

// A jwk is a published key with the members Microsoft adds to RFC 7517's.
type jwk struct {
	KeyType      string   `json:"kty"`
	Use          string   `json:"use"`
	ID           string   `json:"kid"`
	N            string   `json:"n"`
	E            string   `json:"e"`
	Issuer       string   `json:"issuer,omitempty"`
	Endorsements []string `json:"endorsements,omitempty"`
}

// channelsEndorsed are channels a key of the Bot Connector speaks for.
func channelsEndorsed() []string {
	return []string{"msteams", "m365extensions", "webchat", "directline", "emulator"}
}

// A keyRing holds both issuers' keys. The first key of an issuer signs.
type keyRing struct {
	mu        sync.Mutex
	published map[issuerName][]signingKey
	stranger  *rsa.PrivateKey // made when first asked for; never published
	round     int             // how often the keys were renewed
}

// renew makes new keys, which sign from now on, and publishes those before them
// too if told to keep them.
func (r *keyRing) renew(base string, keep bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	connector, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	r.round++
	id := func(name string) string { return fmt.Sprintf("%s-%d", name, r.round) }
	before := r.published
	r.published = map[issuerName][]signingKey{
		entra: {{id: id("entra"), key: own, issuer: base + "/entra/{tenantid}/v2.0"}},
		// The Bot Connector publishes keys for other channels beside its own, and
		// keys that speak for none.
		channel: {
			{id: id("channel"), key: connector, endorsements: channelsEndorsed()},
			{id: id("channel-webchat"), key: connector, endorsements: []string{"webchat"}},
			{id: id("channel-none"), key: connector},
		},
	}
	if keep {
		for name, keys := range before {
			r.published[name] = append(r.published[name], keys...)
		}
	}
	return nil
}

// keys returns the published keys of an issuer.
func (r *keyRing) keys(name issuerName) []signingKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.published[name]
}

// strangers returns a key that nobody publishes.
func (r *keyRing) strangers() (*rsa.PrivateKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stranger != nil {
		return r.stranger, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	r.stranger = key
	return key, err
}

// jwks returns the document at an issuer's jwks_uri.
func (r *keyRing) jwks(name issuerName) (map[string][]jwk, error) {
	var keys []jwk
	for _, k := range r.keys(name) {
		public, err := publicMembers(k.key)
		if err != nil {
			return nil, err
		}
		keys = append(keys, jwk{
			KeyType: "RSA", Use: "sig", ID: k.id,
			N: public.N, E: public.E, Issuer: k.issuer, Endorsements: k.endorsements,
		})
	}
	return map[string][]jwk{"keys": keys}, nil
}

// publicMembers returns modulus and exponent as a JWK writes them.
func publicMembers(key *rsa.PrivateKey) (jwk, error) {
	encoded, err := jose.JSONWebKey{Key: key.Public()}.MarshalJSON()
	if err != nil {
		return jwk{}, err
	}
	var members jwk
	err = json.Unmarshal(encoded, &members)
	return members, err
}
