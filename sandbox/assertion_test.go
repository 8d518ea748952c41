package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/liaison-skill/liaison/sandbox"
)

// selfSigned returns a certificate of that key.
func selfSigned(tb testing.TB, key *rsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "skill"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// signed returns a token with that header.
func signed(tb testing.TB, key jose.SigningKey, thumbprint string, claims map[string]any) string {
	tb.Helper()
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithHeader("x5t#S256", thumbprint))
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func TestEntraTakesAssertionsOnlyAsTheyShouldBe(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert := selfSigned(t, key)
	s.AcceptCertificate(skill, cert)
	s.AcceptIssuer(skill, sandbox.FederatedIssuer{Issuer: "https://cluster.example.com", Subject: "liaison", Key: key.Public()})
	sum := sha256.Sum256(cert.Raw)
	thumbprint := base64.RawURLEncoding.EncodeToString(sum[:])
	endpoint := s.URL() + "/entra/" + tenant + "/oauth2/v2.0/token"
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	own := map[string]any{"aud": endpoint, "iss": skill, "sub": skill, "exp": in(5 * time.Minute)}
	federated := map[string]any{"aud": "api://AzureADTokenExchange", "iss": "https://cluster.example.com", "sub": "liaison", "exp": in(time.Hour)}
	for name, row := range map[string]struct {
		base   map[string]any
		change map[string]any
		alg    jose.SignatureAlgorithm
		print  string
		status int
	}{
		"by certificate":            {own, nil, jose.PS256, thumbprint, 200},
		"by certificate, RS256":     {own, nil, jose.RS256, thumbprint, 200},
		"PS384":                     {own, nil, jose.PS384, thumbprint, 401},
		"an unknown certificate":    {own, nil, jose.PS256, "AAAA", 401},
		"another endpoint":          {own, map[string]any{"aud": s.URL()}, jose.PS256, thumbprint, 401},
		"another app":               {own, map[string]any{"sub": copilot}, jose.PS256, thumbprint, 401},
		"another issuer":            {own, map[string]any{"iss": copilot}, jose.PS256, thumbprint, 401},
		"expired":                   {own, map[string]any{"exp": in(-time.Hour)}, jose.PS256, thumbprint, 401},
		"for an hour":               {own, map[string]any{"exp": in(time.Hour)}, jose.PS256, thumbprint, 401},
		"without expiry":            {own, map[string]any{"exp": nil}, jose.PS256, thumbprint, 401},
		"without id":                {own, map[string]any{"jti": nil}, jose.PS256, thumbprint, 401},
		"federated":                 {federated, nil, jose.RS256, "", 200},
		"federated, other subject":  {federated, map[string]any{"sub": "mallory"}, jose.RS256, "", 401},
		"federated, other audience": {federated, map[string]any{"aud": endpoint}, jose.RS256, "", 401},
		"federated, expired":        {federated, map[string]any{"exp": in(-time.Hour)}, jose.RS256, "", 401},
		"federated, without expiry": {federated, map[string]any{"exp": nil}, jose.RS256, "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := maps.Clone(row.base)
			claims["jti"] = name
			maps.Copy(claims, row.change)
			maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
			form := url.Values{
				"grant_type": {"client_credentials"}, "client_id": {skill}, "scope": {copilot + "/.default"},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion":      {signed(t, jose.SigningKey{Algorithm: row.alg, Key: key}, row.print, claims)},
			}
			status, body := postForm(t, endpoint, form)
			if status != row.status {
				t.Fatalf("got %d %s, want %d", status, body, row.status)
			}
			if status, _ := postForm(t, endpoint, form); name == "by certificate" && status != http.StatusUnauthorized {
				t.Errorf("the same assertion again: %d, want 401", status)
			}
		})
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {copilot}, "scope": {skill + "/.default"}, "client_assertion": {"x"}}
	if status, _ := postForm(t, endpoint, form); status != http.StatusUnauthorized {
		t.Errorf("an assertion of no type, for an app without any: %d, want 401", status)
	}
}
