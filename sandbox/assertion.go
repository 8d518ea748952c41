package sandbox

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// What Entra ID demands of client assertions
// (https://learn.microsoft.com/entra/identity-platform/certificate-credentials,
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation).
const (
	assertionType     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	federatedAudience = "api://AzureADTokenExchange"
	maxAssertionLife  = 10 * time.Minute
)

// A FederatedIssuer is another issuer whose tokens of one subject prove an app.
type FederatedIssuer struct {
	Issuer  string
	Subject string
	Key     crypto.PublicKey // RSA
}

// A registration is what proves an app.
type registration struct {
	secrets      []string
	certificates []*x509.Certificate
	subjects     map[string]*x509.CertPool // trusted issuers, by common name
	issuers      []FederatedIssuer
}

// AcceptSecret lets an app prove itself with one more secret.
func (s *Sandbox) AcceptSecret(app, secret string) {
	s.register(app, func(r *registration) { r.secrets = append(r.secrets, secret) })
}

// RefuseSecret makes a secret of the app worthless. Tokens it got live on.
func (s *Sandbox) RefuseSecret(app, secret string) {
	s.register(app, func(r *registration) {
		r.secrets = slices.DeleteFunc(r.secrets, func(other string) bool { return other == secret })
	})
}

// AcceptCertificate lets an app prove itself with the certificate's key.
func (s *Sandbox) AcceptCertificate(app string, c *x509.Certificate) {
	s.register(app, func(r *registration) { r.certificates = append(r.certificates, c) })
}

// AcceptSubject lets an app prove itself with any certificate of that common name
// that authority issued and the assertion carries.
func (s *Sandbox) AcceptSubject(app, name string, authority *x509.Certificate) {
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	s.register(app, func(r *registration) { r.subjects[name] = pool })
}

// AcceptIssuer lets an app prove itself with another issuer's token.
func (s *Sandbox) AcceptIssuer(app string, f FederatedIssuer) {
	s.register(app, func(r *registration) { r.issuers = append(r.issuers, f) })
}

func (s *Sandbox) register(app string, change func(*registration)) {
	s.update(func() {
		app = strings.ToLower(app)
		r := s.registrations[app]
		if r == nil {
			r = &registration{subjects: map[string]*x509.CertPool{}}
			s.registrations[app] = r
		}
		change(r)
	})
}

// checkSecret reports whether the secret is one of the app's.
func (s *Sandbox) checkSecret(app, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.registrations[strings.ToLower(app)].secrets, func(want string) bool {
		return subtle.ConstantTimeCompare([]byte(secret), []byte(want)) == 1
	})
}

// checkAssertion checks the assertion in a token request of the app.
func (s *Sandbox) checkAssertion(app string, form url.Values) error {
	if form.Get("client_assertion_type") != assertionType {
		return errors.New("the assertion's type is unknown")
	}
	token, err := jwt.ParseSigned(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256, jose.PS256})
	if err != nil {
		return fmt.Errorf("parse assertion: %w", err)
	}
	var unverified jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return fmt.Errorf("read assertion: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.registrations[strings.ToLower(app)]
	for _, f := range r.issuers {
		if f.Issuer == unverified.Issuer {
			return f.check(token)
		}
	}
	key, err := r.key(token.Headers[0])
	if err != nil {
		return err
	}
	endpoint := s.cfg.BaseURL + "/entra/" + s.cfg.TenantID + "/oauth2/v2.0/token"
	return s.checkOwn(token, key, app, endpoint)
}

// checkOwn checks an assertion the app made itself. It is for one request. mu is
// held.
func (s *Sandbox) checkOwn(token *jwt.JSONWebToken, key crypto.PublicKey, app, endpoint string) error {
	var c jwt.Claims
	if err := token.Claims(key, &c); err != nil {
		return fmt.Errorf("verify assertion: %w", err)
	}
	now := time.Now()
	if err := c.Validate(jwt.Expected{Issuer: app, Subject: app, AnyAudience: jwt.Audience{endpoint}, Time: now}); err != nil {
		return fmt.Errorf("check assertion: %w", err)
	}
	switch {
	case c.Expiry == nil || c.Expiry.Time().After(now.Add(maxAssertionLife+time.Second)):
		return errors.New("the assertion lasts longer than ten minutes")
	case c.ID == "" || s.assertions[c.ID]:
		return errors.New("the assertion has no id of its own")
	}
	s.assertions[c.ID] = true
	return nil
}

// check checks a token of another issuer. It may be used until it expires.
func (f FederatedIssuer) check(token *jwt.JSONWebToken) error {
	var c jwt.Claims
	if err := token.Claims(f.Key, &c); err != nil {
		return fmt.Errorf("verify assertion: %w", err)
	}
	err := c.Validate(jwt.Expected{
		Issuer: f.Issuer, Subject: f.Subject, AnyAudience: jwt.Audience{federatedAudience}, Time: time.Now(),
	})
	if err == nil && c.Expiry == nil {
		err = errors.New("it has no expiry")
	}
	if err != nil {
		return fmt.Errorf("check assertion: %w", err)
	}
	return nil
}

// key returns the registered key that the header names: by the thumbprint of a
// certificate, or by a chain that leads to a trusted issuer.
func (r *registration) key(h jose.Header) (crypto.PublicKey, error) {
	thumbprint, _ := h.ExtraHeaders["x5t#S256"].(string)
	for _, c := range r.certificates {
		if sum := sha256.Sum256(c.Raw); thumbprint == base64.RawURLEncoding.EncodeToString(sum[:]) {
			return c.PublicKey, nil
		}
	}
	for name, pool := range r.subjects {
		chains, err := h.Certificates(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if err == nil && chains[0][0].Subject.CommonName == name {
			return chains[0][0].PublicKey, nil
		}
	}
	return nil, errors.New("the assertion's certificate is not registered")
}
