package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/liaison-skill/liaison/activity"
)

// Versions of Entra's tokens.
const (
	version1 = "1.0"
	version2 = "2.0"
)

// claims are the members of a token that decide.
type claims struct {
	Issuer     string   `json:"iss"`
	Audience   audience `json:"aud"`
	Expiry     float64  `json:"exp"`
	NotBefore  float64  `json:"nbf"`
	Version    string   `json:"ver"`
	AppID      string   `json:"appid"` // version 1: who it was issued to
	Party      string   `json:"azp"`   // the same in version 2
	Tenant     string   `json:"tid"`
	ServiceURL string   `json:"serviceurl"`
}

// holder returns the app that holds an Entra token, in lower case, or "".
func (c claims) holder() string {
	switch c.Version {
	case version1:
		return strings.ToLower(c.AppID)
	case version2:
		return strings.ToLower(c.Party)
	}
	return ""
}

// audience is one name or a list of them.
type audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// header is what a token says about its signature.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
}

// evidence is a token on its way through the rules, and what it came with. What
// the token says counts only once every rule has passed.
type evidence struct {
	raw      string
	header   header
	claims   claims
	from     issuer // zero when it is not one of ours
	activity activity.Activity
	key      key // that verified it; zero before
}

// read takes a token apart. It believes nothing: the issuer only picks whose
// keys must verify it.
func (v *Verifier) read(raw string, a activity.Activity) (*evidence, error) {
	e := &evidence{raw: raw, activity: a}
	parts := strings.Split(raw, ".")
	switch {
	case len(raw) > maxToken:
		return nil, errors.New("token is too long")
	case len(parts) != 3, decode(parts[0], &e.header) != nil, decode(parts[1], &e.claims) != nil:
		return nil, errors.New("token is not a signed JWT with the claims it should have")
	}
	e.from = v.issuers[e.claims.Issuer]
	return e, nil
}

func decode(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err // only whether it is nil counts
	}
	return json.Unmarshal(data, into)
}

// audience returns which of our apps the token is for, or "".
func (e *evidence) audience(cfg Config) string {
	for _, name := range e.claims.Audience {
		if lower := strings.ToLower(name); slices.Contains(cfg.SkillAppID, lower) {
			return lower
		}
	}
	return ""
}
