package auth_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/web"
)

const (
	fuzzedURL     = "https://smba.trafficmanager.net/teams/"
	fuzzedChannel = "https://api.botframework.com"
)

// A notary signs what it is given, and publishes its key as Entra and the Bot
// Connector do.
type notary struct {
	private *rsa.PrivateKey
	url     string
}

func newNotary(tb testing.TB) *notary {
	tb.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	n := &notary{private: private}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/keys" {
			_ = json.NewEncoder(w).Encode(map[string]string{"jwks_uri": n.url + "/keys"})
			return
		}
		raw, _ := jose.JSONWebKey{Key: private.Public(), KeyID: "k", Use: "sig"}.MarshalJSON()
		published := map[string]any{}
		_ = json.Unmarshal(raw, &published)
		published["endorsements"] = []string{"msteams"}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{published}})
	}))
	tb.Cleanup(server.Close)
	n.url = server.URL
	return n
}

func (n *notary) verifier(tb testing.TB) *auth.Verifier {
	tb.Helper()
	cfg, err := auth.Config{
		Cloud: "public", SkillAppID: []string{skill}, TenantID: []string{tenant}, AllowedCallers: []string{copilot},
		EntraURL: n.url, ChannelMetadataURL: n.url + "/channel",
	}.Resolve()
	if err != nil {
		tb.Fatal(err)
	}
	v, err := auth.NewVerifier(cfg, http.DefaultTransport, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// token writes a token of any header and payload; unsigned, its signature is none.
func (n *notary) token(tb testing.TB, header, payload []byte, signed bool) string {
	tb.Helper()
	payload = bytes.ReplaceAll(payload, []byte("NOTARY"), []byte(n.url)) // whose port is another each time
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	if !signed {
		return text + "." + strings.Repeat("A", 342)
	}
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, n.private, crypto.SHA256, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// FuzzVerify knocks with tokens of any form, signed with a published key or not:
// who comes in has what it takes, and [auth.Verifier.Inspect] says the same.
func FuzzVerify(f *testing.F) {
	n := newNotary(f)
	v := n.verifier(f)
	const head, much = `{"alg":"RS256","kid":"k"}`, `"exp":4102444800,"nbf":1,"aud":"` + skill + `"`
	add := func(scheme, header, payload string, signed bool) {
		f.Add(scheme, []byte(header), []byte(payload), signed, fuzzedURL, "msteams")
	}
	for _, good := range []string{
		`{"iss":"NOTARY/` + tenant + `/v2.0","ver":"2.0","azp":"` + copilot + `","tid":"` + tenant + `",` + much + `}`,
		`{"iss":"https://sts.windows.net/` + tenant + `/","ver":"1.0","appid":"` + copilot + `",` + much + `}`,
		`{"iss":"` + fuzzedChannel + `","serviceurl":"` + fuzzedURL + `",` + much + `}`,
	} {
		a := activity.Activity{Type: activity.TypeMessage, ChannelID: "msteams", ServiceURL: fuzzedURL}
		if _, err := v.Verify(f.Context(), "Bearer "+n.token(f, []byte(head), []byte(good), true), a); err != nil {
			f.Fatalf("%s is refused: %v", good, err)
		}
		add("Bearer ", head, good, true)
		add("Bearer ", head, good, false)
		add("bearer ", head, good, true)
	}
	add("Bearer ", `{"alg":"none","kid":"k"}`, `{"iss":"NOTARY/`+tenant+`/v2.0",`+much+`}`, true)
	add("Bearer ", `{"alg":"HS256","kid":"k","crit":["exp"]}`, `{"iss":"NOTARY/`+tenant+`/v2.0"}`, true)
	add("Bearer ", head, `{"iss":"NOTARY/`+tenant+`/v2.0","aud":["x","`+skill+`"],"exp":1e300,"nbf":-1.5e9,"ver":2}`, true)
	add("Bearer ", head, `{"iss":"NOTARY/`+tenant+`/v2.0","ver":"2.0","azp":"`+copilot+`","aud":null,"exp":"4102444800"}`, true)
	add("", "", "", false)
	f.Fuzz(func(t *testing.T, scheme string, header, payload []byte, signed bool, serviceURL, channel string) {
		raw := n.token(t, header, payload, signed)
		a := activity.Activity{Type: activity.TypeMessage, ChannelID: channel, ServiceURL: serviceURL}
		caller, err := v.Verify(t.Context(), scheme+raw, a)
		if err == nil {
			if why := n.objection(scheme, header, payload, a, caller); why != "" || !signed {
				t.Fatalf("%q %s %s, signed %t, let in as %+v: %s", scheme, header, payload, signed, caller, why)
			}
		} else if refusal, ok := errors.AsType[*web.Error](err); !ok || !slices.Contains([]int{400, 401, 403}, refusal.Status) {
			t.Fatalf("refused with %v", err)
		}
		if scheme != "Bearer " || serviceURL == "" || len(raw) > 10<<10 {
			return // what Inspect is not told, or takes from the token
		}
		findings := v.Inspect(t.Context(), raw, a, false)
		i := slices.IndexFunc(findings, func(f auth.Finding) bool { return f.Verdict != auth.Passed })
		switch {
		case i < 0 && err != nil:
			t.Fatalf("Inspect finds nothing, Verify says %v", err)
		case i >= 0 && (err == nil || findings[i].Verdict != auth.Broken || !strings.Contains(err.Error(), findings[i].Why)):
			t.Fatalf("Inspect finds %+v, Verify says %v", findings[i], err)
		}
	})
}

// objection says why a caller should not have come in, or nothing.
func (n *notary) objection(scheme string, header, payload []byte, a activity.Activity, c auth.Caller) string {
	var h struct{ Alg, Kid string }
	var p struct {
		Iss, Ver, AppID, Azp, Tid, ServiceURL string
		Aud                                   any
		Exp, Nbf                              float64
	}
	payload = bytes.ReplaceAll(payload, []byte("NOTARY"), []byte(n.url))
	if json.Unmarshal(header, &h) != nil || json.Unmarshal(payload, &p) != nil {
		return "no JSON"
	}
	now := float64(time.Now().Unix())
	holder := map[string]string{"1.0": p.AppID, "2.0": p.Azp}[p.Ver]
	entra := p.Iss == n.url+"/"+tenant+"/v2.0" || p.Iss == "https://sts.windows.net/"+tenant+"/"
	channel, _, _ := strings.Cut(a.ChannelID, ":")
	trim := func(s string) string { return strings.TrimSuffix(s, "/") }
	for why, broken := range map[string]bool{
		"scheme":         scheme != "Bearer ",
		"algorithm, key": h.Alg != "RS256" || h.Kid != "k",
		"lifetime":       p.Exp < now-301 || p.Nbf > now+301,
		"audience":       !strings.Contains(strings.ToLower(fmt.Sprint(p.Aud)), skill) || c.Audience != skill,
		"issuer":         entra == (p.Iss == fuzzedChannel) || entra != (c.Kind == auth.Skill),
		"holder":         entra && (!strings.EqualFold(holder, copilot) || c.AppID != copilot),
		"tenant":         entra && p.Tid != "" && !strings.EqualFold(p.Tid, tenant),
		"service URL":    a.ServiceURL != "" && !reading(a.ServiceURL).trusted(""),
		"channel":        !entra && (channel != "msteams" || !strings.EqualFold(trim(p.ServiceURL), trim(a.ServiceURL))),
	} {
		if broken {
			return why
		}
	}
	return ""
}
