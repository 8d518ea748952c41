package handoff

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/url"
)

// tokenSize is in bytes.
const tokenSize = 32

// A Token is good for one handoff. It is a secret: it does not show in logs.
type Token string

// LogValue implements [slog.LogValuer].
func (Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }

func newToken() Token {
	var secret [tokenSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	return Token(base64.RawURLEncoding.EncodeToString(secret[:]))
}

// hash is what the database knows a token by, nil for what cannot be one.
func (t Token) hash() []byte {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(string(t))
	if err != nil || len(secret) != tokenSize {
		return nil
	}
	digest := sha256.Sum256(secret)
	return digest[:]
}

// DeepLink is the URL that opens the chat with a bot and gives it the token. The
// colon stands as it is: no documentation has it escaped.
func DeepLink(botAppID string, t Token) string {
	return "https://teams.microsoft.com/l/chat/0/0?users=28:" + url.QueryEscape(botAppID) +
		"&continuation=" + url.QueryEscape(string(t))
}
