package auth

import (
	"fmt"
	"io"
	"net/http"
)

// maxDrain bounds what is read of a refusal so that its connection is used
// again, in bytes.
const maxDrain = 64 << 10

// A Transport attaches a token to every request. Make one for each audience; they
// may share Base. When the peer answers 401, the token is dropped and the request
// made once more with a fresh one, so a body must be one that can be sent again,
// as [http.NewRequestWithContext] makes it of a byte slice's reader.
//
// A request to a URL that is not trusted is not made; see [Credentials.Token] for
// the errors.
type Transport struct {
	Credentials *Credentials
	Audience    string // the app to talk to; "" for the Bot Connector
	App         string // the app of ours to be at the Bot Connector; "" for the map's
	Base        http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	tokens, err := t.Credentials.source(req.URL.String(), t.Audience, t.App)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	token, err := tokens.get(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.Base.RoundTrip(withToken(req, token))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if !tokens.drop(token) {
		return resp, nil
	}
	again, err := repeat(req)
	if err != nil || again == nil {
		return resp, nil // the refusal is the answer
	}
	fresh, err := tokens.get(req.Context())
	if err != nil {
		closeBody(again)
		return resp, nil // the refusal is the answer
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	_ = resp.Body.Close()
	return t.Base.RoundTrip(withToken(again, fresh))
}

// withToken returns a copy of req: a RoundTripper must not change what it was
// given.
func withToken(req *http.Request, token string) *http.Request {
	signed := req.Clone(req.Context())
	signed.Header.Set("Authorization", "Bearer "+token)
	return signed
}

// repeat returns the request with its body from the start, or nil when that
// cannot be had.
func repeat(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, nil
	}
	if req.GetBody == nil {
		return nil, nil // nil is the answer: there is no second time
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("read body again: %w", err)
	}
	again.Body = body
	return again, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
