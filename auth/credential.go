package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// A credential gets a connection's tokens, a new one each time it is asked: what
// is kept, and when the next is due, a [source] decides. Its error is a
// [*TokenError].
type credential interface {
	token(ctx context.Context, scope string) (granted, error)
}

// granted is a token and how long it lasts; 0 when that was not told.
type granted struct {
	token string
	life  time.Duration
}

// newCredential returns the credential of a connection that [Connection.check]
// found to have exactly one.
func newCredential(cfg Config, conn Connection, client *http.Client) (credential, error) {
	if conn.ManagedIdentity != "" {
		return newManagedIdentity(conn.ManagedIdentity, client)
	}
	tenant := conn.TenantID
	if tenant == "" {
		tenant = cfg.cloud.anyTenant
	}
	endpoint := cfg.EntraURL + "/" + tenant + "/oauth2/v2.0/token"
	e := &entraApp{client: client, config: clientcredentials.Config{
		ClientID: conn.ClientID, ClientSecret: conn.ClientSecret.Reveal(),
		TokenURL: endpoint, AuthStyle: oauth2.AuthStyleInParams,
	}}
	switch {
	case conn.CertificateFile != "":
		e.assertion = func() (string, error) {
			c, err := readCertificate(conn.CertificateFile, conn.CertificatePassword, time.Now())
			if err != nil {
				return "", err
			}
			return c.assertion(conn.ClientID, endpoint)
		}
	case conn.FederatedTokenFile != "":
		e.assertion = func() (string, error) { return readFederatedToken(conn.FederatedTokenFile) }
	}
	return e, nil
}

// assertionType names a JWT that proves the client
// (https://www.rfc-editor.org/rfc/rfc7523, section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// An entraApp is an app registration in Entra ID, which proves itself with a
// secret or an assertion
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
type entraApp struct {
	client *http.Client
	config clientcredentials.Config // but for the scope

	// assertion makes the proof of one request; nil with a secret. It reads its
	// file each time: both kinds of files are replaced while we run.
	assertion func() (string, error)
}

func (e *entraApp) token(ctx context.Context, scope string) (granted, error) {
	config := e.config
	config.Scopes = []string{scope}
	if e.assertion != nil {
		proof, err := e.assertion()
		if err != nil {
			// Not permanent: the file may be right again any moment.
			return granted{}, &TokenError{cause: err}
		}
		config.EndpointParams = url.Values{"client_assertion_type": {assertionType}, "client_assertion": {proof}}
	}
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, e.client))
	if err != nil {
		return granted{}, entraError(err)
	}
	g := granted{token: got.AccessToken}
	if !got.Expiry.IsZero() {
		g.life = time.Until(got.Expiry)
	}
	return g, nil
}

// entraError keeps of an error what is safe to show.
func entraError(err error) *TokenError {
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refused(answer.Response, answer.ErrorCode)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return &TokenError{cause: jsonhttp.Cause(failed)}
	}
	return &TokenError{cause: errNoToken}
}
