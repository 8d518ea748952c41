package contoso

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/liaison-skill/liaison/internal/env"
)

func TestAllowed(t *testing.T) {
	t.Parallel()
	const entra = "https://login.microsoftonline.com/tenant/v2.0"
	for name, tc := range map[string]struct {
		claims  claims
		issuer  string
		allowed string
		want    bool
	}{
		"an empty list is everybody":       {claims{Subject: "s"}, "", "", true},
		"a subject":                        {claims{Subject: "s"}, "", "x,s", true},
		"subjects are compared exactly":    {claims{Subject: "S"}, "", "s", false},
		"Entra's object id":                {claims{Subject: "s", ObjectID: "aa-bb"}, entra, "AA-BB", true},
		"a verified address":               {claims{Email: "Ana@Example.com", Verified: true}, "", "ana@example.com", true},
		"verified, written as a string":    {claims{Email: "ana@example.com", Verified: "true"}, "", "ana@example.com", true},
		"verified by Entra":                {claims{Email: "ana@example.com", EDOV: float64(1)}, entra, "@example.com", true},
		"a verified address in a domain":   {claims{Email: "ana@example.com", Verified: true}, "", "@EXAMPLE.com", true},
		"an address nobody verified":       {claims{Email: "ana@example.com"}, "", "ana@example.com", false},
		"an address said to be unverified": {claims{Email: "ana@example.com", Verified: false}, "", "@example.com", false},
		"a subdomain":                      {claims{Email: "ana@evil.example.com", Verified: true}, "", "@example.com", false},
		"a domain that ends the same":      {claims{Email: "ana@evilexample.com", Verified: true}, "", "@example.com", false},
		"an address within an address":     {claims{Email: "ana@example.com@evil.com", Verified: true}, "", "@example.com", false},
		"no local part":                    {claims{Email: "@example.com", Verified: true}, "", "@example.com", false},
		"Entra's username in its tenant":   {claims{Username: "ana@example.com", TenantID: "tenant"}, entra, "@example.com", true},
		"a username of another tenant":     {claims{Username: "ana@example.com", TenantID: "other"}, entra, "@example.com", false},
		"a username anybody may choose":    {claims{Username: "ana@example.com"}, "https://id.example", "@example.com", false},
		"an address is no subject":         {claims{Subject: "ana@example.com"}, "", "ana@example.com", false},
		"nobody matches no entry":          {claims{Subject: ""}, "", "x", false},
	} {
		var list []string
		if tc.allowed != "" {
			list = strings.Split(tc.allowed, ",")
		}
		if got := tc.claims.isOneOf(list, tc.issuer); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestSupervisors_are_named_or_have_a_role(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token string
		list  string
		want  bool
	}{
		"an empty list is nobody":       {`{"sub":"s","roles":["boss"]}`, "", false},
		"a subject":                     {`{"sub":"s"}`, "s", true},
		"an address":                    {`{"sub":"s","email":"ana@example.com","email_verified":true}`, "ana@example.com", true},
		"an address nobody verified":    {`{"sub":"s","email":"ana@example.com"}`, "ana@example.com", false},
		"a role":                        {`{"sub":"s","roles":["agent","boss"]}`, "x,role:boss", true},
		"another role":                  {`{"sub":"s","roles":["bosses"]}`, "role:boss", false},
		"roles are compared exactly":    {`{"sub":"s","roles":["Boss"]}`, "role:boss", false},
		"a role is no subject":          {`{"sub":"boss"}`, "role:boss", false},
		"a list that is none is nobody": {`{"sub":"s","roles":"boss"}`, "role:boss", false},
	} {
		var c claims
		if err := json.Unmarshal([]byte(tc.token), &c); err != nil {
			t.Fatal(err)
		}
		if got := c.supervises(SignIn{Supervisors: trimmed(strings.Split(tc.list, ","))}); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestNameOfAnAgent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		claims claims
		want   string
	}{
		"name":                  {claims{FullName: "Ana B", Username: "ana", Email: "a@b"}, "Ana B"},
		"username":              {claims{FullName: " ", Username: "ana", Email: "a@b"}, "ana"},
		"address":               {claims{Email: "a@b"}, "a@b"},
		"nothing":               {claims{}, supportSender},
		"nothing that shows":    {claims{FullName: "\x00\n"}, supportSender},
		"control characters":    {claims{FullName: "Ana\nB\x00"}, "Ana B"},
		"longer than a name is": {claims{FullName: strings.Repeat("ä", 99)}, strings.Repeat("ä", maxName)},
	} {
		if got := tc.claims.name(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestNotRedeemed: what the issuer says instead of a token may be what it was
// asked, with the client's secret.
func TestNotRedeemed(t *testing.T) {
	t.Parallel()
	const secret = "opensesame"
	asked := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token?client_secret="+secret, nil)
	answered := func(code string) error {
		return &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400, Request: asked}, ErrorCode: code, ErrorDescription: secret, Body: []byte(secret)}
	}
	for want, err := range map[string]error{
		"redeem code: issuer answered 400 invalid_grant": answered("invalid_grant"),
		"redeem code: issuer answered 400 ":              answered(secret),
		"redeem code: answer is not HTTP":                &url.Error{Op: "Post", URL: "http://issuer/?" + secret, Err: errors.New("malformed HTTP response " + secret)},
		"redeem code: answer is not a token":             errors.New("oauth2: cannot parse json: " + secret),
		"redeem code: EOF":                               &url.Error{Op: "Post", URL: "http://issuer/?" + secret, Err: io.EOF},
	} {
		if got := notRedeemed(err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestConfigIsRefused(t *testing.T) {
	t.Parallel()
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000}
	anywhere := &net.TCPAddr{IP: net.IPv4zero, Port: 5000}
	good := SignIn{Issuer: "https://id.example", ClientID: "desk"}
	for name, tc := range map[string]struct {
		config Config
		addr   net.Addr
		want   string // part of the error; "" for none
	}{
		"nothing set":                      {Config{}, anywhere, ""},
		"keys, but none":                   {Config{APIKey: " ,"}, local, "CONTOSO_API_KEY: "},
		"an issuer":                        {Config{SignIn: good}, local, ""},
		"an issuer, served to the world":   {Config{SignIn: good}, anywhere, "CONTOSO_PUBLIC_URL: "},
		"a public URL":                     {Config{SignIn: good, PublicURL: "https://desk.example/"}, anywhere, ""},
		"a public URL that can be read":    {Config{SignIn: good, PublicURL: "http://desk.example"}, anywhere, "CONTOSO_PUBLIC_URL: "},
		"a public URL with a path":         {Config{SignIn: good, PublicURL: "https://desk.example/desk"}, anywhere, "CONTOSO_PUBLIC_URL: "},
		"an issuer that can be overheard":  {Config{SignIn: SignIn{Issuer: "http://id.example", ClientID: "desk"}}, local, "CONTOSO_OIDC_ISSUER: "},
		"an issuer that is no URL":         {Config{SignIn: SignIn{Issuer: "id.example", ClientID: "desk"}}, local, "CONTOSO_OIDC_ISSUER: "},
		"no client":                        {Config{SignIn: SignIn{Issuer: "https://id.example"}}, local, "CONTOSO_OIDC_CLIENT_ID: "},
		"a client without an issuer":       {Config{SignIn: SignIn{ClientID: "desk"}}, local, "CONTOSO_OIDC_ISSUER: "},
		"a list without an issuer":         {Config{SignIn: SignIn{Allowed: []string{"@example.com"}}}, local, "CONTOSO_OIDC_ISSUER: "},
		"an empty list without an issuer":  {Config{SignIn: SignIn{Allowed: []string{" ", ""}}}, local, ""},
		"a domain without a name":          {Config{SignIn: SignIn{Issuer: "https://id.example", ClientID: "d", Allowed: []string{"@ "}}}, local, "CONTOSO_OIDC_ALLOWED: "},
		"supervisors without an issuer":    {Config{SignIn: SignIn{Supervisors: []string{"@example.com"}}}, local, "CONTOSO_OIDC_ISSUER: "},
		"supervisors of no domain":         {Config{SignIn: SignIn{Issuer: "https://id.example", ClientID: "d", Supervisors: []string{"@"}}}, local, "CONTOSO_OIDC_SUPERVISORS: "},
		"sessions shorter than is noted":   {Config{SessionIdle: time.Minute}, local, "CONTOSO_SESSION_IDLE: "},
		"open when the moon is full":       {Config{Open: "moon"}, local, "CONTOSO_OPEN: "},
		"ended, and gone today":            {Config{Retention: env.Duration(47 * time.Hour)}, local, "CONTOSO_RETENTION: "},
		"ended, and kept for two days":     {Config{Retention: env.Duration(48 * time.Hour)}, local, ""},
		"no files at all":                  {Config{FileLimit: -1}, local, "CONTOSO_FILE_LIMIT: "},
		"links that never work":            {Config{FileLinkLife: -1}, local, "CONTOSO_FILE_LINK_LIFE: "},
		"an issuer on this machine by IP6": {Config{SignIn: SignIn{Issuer: "http://[::1]:5002/x", ClientID: "desk"}}, local, ""},
	} {
		_, err := tc.config.resolve(tc.addr)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
