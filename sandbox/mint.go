package sandbox

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuers and audiences on the wire.
const (
	channelIssuer     = "https://api.botframework.com"
	connectorAudience = "https://api.botframework.com"
	algNone           = "none"
)

// tokenLife is the life of Entra's access tokens.
const tokenLife = 3599 * time.Second

// A Kind is what a minted token is before its claims are overridden.
type Kind int

// The kinds of tokens.
const (
	SkillCall    Kind = iota // Entra, version 2: the copilot calls the skill
	SkillCallV1              // the same, version 1
	ChannelCall              // the Bot Connector calls the skill's app as a bot
	SkillReply               // Entra: the skill calls the copilot's runtime
	ConnectorUse             // Entra: the copilot's app calls the connector of Teams
)

// A Key is what a minted token is signed with.
type Key int

// The keys to sign with.
const (
	KeyOwn         Key = iota // the issuer's own
	KeyStranger               // nobody's, under the issuer's key id
	KeyUnknown                // nobody's, under an id nobody publishes
	KeyOther                  // the other issuer's, under its id
	KeyWebChat                // the Bot Connector's for another channel
	KeyUnendorsed             // the Bot Connector's for no channel
	KeyPublicBytes            // the issuer's public key as an HMAC secret, for Alg HS256
)

// A Token describes a token to mint. The zero value is a valid call of the skill
// by the copilot.
type Token struct {
	Kind   Kind
	Claims map[string]any // replace the kind's claims; a nil value removes one
	Alg    string         // RS256 when empty; "none" leaves the signature out
	Key    Key
}

// Mint makes a token, valid or not.
func (s *Sandbox) Mint(t Token) (string, error) {
	claims := s.claims(t.Kind)
	maps.Copy(claims, t.Claims)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	if t.Alg == algNone {
		return unsigned(claims)
	}
	key, err := s.signingKey(t)
	if err != nil {
		return "", err
	}
	return sign(claims, key)
}

// RotateKeys replaces both issuers' keys. Tokens minted before verify no more.
func (s *Sandbox) RotateKeys() error { return s.keys.renew(s.cfg.BaseURL, false) }

// AddKeys makes both issuers sign with new keys, as the real ones do it: the keys
// before stay published, and what they signed verifies.
func (s *Sandbox) AddKeys() error { return s.keys.renew(s.cfg.BaseURL, true) }

// claims returns what the real issuer would put into a token of kind.
func (s *Sandbox) claims(kind Kind) map[string]any {
	c := s.cfg
	switch kind {
	case SkillCallV1:
		return s.appToken(c.CopilotAppID, c.SkillAppID, "1.0")
	case SkillReply:
		return s.appToken(c.SkillAppID, c.CopilotAppID, "2.0")
	case ConnectorUse:
		return s.appToken(c.CopilotAppID, connectorAudience, "2.0")
	case ChannelCall:
		return lifetime(map[string]any{"iss": channelIssuer, "aud": c.SkillAppID, "serviceurl": s.connectorURL()})
	default:
		return s.appToken(c.CopilotAppID, c.SkillAppID, "2.0")
	}
}

// appToken returns the claims of Entra's token for an app itself
// (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
func (s *Sandbox) appToken(client, audience, version string) map[string]any {
	claims := map[string]any{"aud": audience, "tid": s.cfg.TenantID, "sub": client, "oid": client, "ver": version}
	if version == "1.0" {
		claims["iss"] = "https://sts.windows.net/" + s.cfg.TenantID + "/"
		claims["appid"], claims["appidacr"] = client, "1"
	} else {
		claims["iss"] = s.entraIssuer()
		claims["azp"], claims["azpacr"] = client, "1"
	}
	return lifetime(claims)
}

func lifetime(claims map[string]any) map[string]any {
	now := time.Now()
	claims["iat"], claims["nbf"] = now.Unix(), now.Add(-time.Second).Unix()
	claims["exp"] = now.Add(tokenLife).Unix()
	return claims
}

// signingKey picks what t asks for.
func (s *Sandbox) signingKey(t Token) (jose.SigningKey, error) {
	own, other := entra, channel
	if t.Kind == ChannelCall {
		own, other = channel, entra
	}
	key := s.keys.keys(own)[0]
	switch t.Key {
	case KeyOwn:
	case KeyOther:
		key = s.keys.keys(other)[0]
	case KeyWebChat:
		key = s.keys.keys(channel)[1]
	case KeyUnendorsed:
		key = s.keys.keys(channel)[2]
	case KeyStranger, KeyUnknown:
		stranger, err := s.keys.strangers()
		if err != nil {
			return jose.SigningKey{}, err
		}
		key.key = stranger
		if t.Key == KeyUnknown {
			key.id = "unknown"
		}
	case KeyPublicBytes:
		return publicAsSecret(key, t.Alg)
	}
	alg := jose.RS256
	if t.Alg != "" {
		alg = jose.SignatureAlgorithm(t.Alg)
	}
	return jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key.key, KeyID: key.id}}, nil
}

// publicAsSecret is the classic confusion: what everybody may read signs.
func publicAsSecret(key signingKey, alg string) (jose.SigningKey, error) {
	secret, err := x509.MarshalPKIXPublicKey(key.key.Public())
	if err != nil {
		return jose.SigningKey{}, fmt.Errorf("encode public key: %w", err)
	}
	return jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(alg),
		Key:       jose.JSONWebKey{Key: secret, KeyID: key.id},
	}, nil
}

func sign(claims map[string]any, key jose.SigningKey) (string, error) {
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func unsigned(claims map[string]any) (string, error) {
	encoded, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part(encoded) + ".", nil
}

// verify checks one of Entra's tokens for an audience and returns the app that
// holds it.
func (s *Sandbox) verify(raw, audience string) (app string, err error) {
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", fmt.Errorf("parse token: %w", err)
	}
	var key *rsa.PrivateKey
	for _, k := range s.keys.keys(entra) {
		if len(token.Headers) == 1 && token.Headers[0].KeyID == k.id {
			key = k.key
		}
	}
	if key == nil {
		return "", errors.New("token is signed by an unknown key")
	}
	var registered jwt.Claims
	var own struct {
		Version string `json:"ver"`
		AppID   string `json:"appid"`
		Azp     string `json:"azp"`
	}
	if err := token.Claims(key.Public(), &registered, &own); err != nil {
		return "", fmt.Errorf("verify token: %w", err)
	}
	if err := registered.Validate(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: time.Now()}); err != nil {
		return "", fmt.Errorf("check token: %w", err)
	}
	if own.Version == "1.0" {
		return own.AppID, nil
	}
	return own.Azp, nil
}
