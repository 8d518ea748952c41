package sandbox

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// mountEntra adds the two token issuers.
func (s *Sandbox) mountEntra(r gin.IRouter) {
	r.GET("/entra/:tenant/v2.0/.well-known/openid-configuration", s.on(Keys, s.entraMetadata))
	r.GET("/entra/:tenant/discovery/v2.0/keys", s.on(Keys, s.entraKeys))
	r.POST("/entra/:tenant/oauth2/v2.0/token", s.on(Entra, s.token))
	r.GET("/channel/v1/.well-known/openidconfiguration", s.on(Keys, s.channelMetadata))
	r.GET("/channel/v1/.well-known/keys", s.on(Keys, s.channelKeys))
}

// entraIssuer is the issuer of version 2 tokens.
func (s *Sandbox) entraIssuer() string { return s.cfg.BaseURL + "/entra/" + s.cfg.TenantID + "/v2.0" }

// metadata is an OpenID provider's document, as far as both issuers fill it
// (https://openid.net/specs/openid-connect-discovery-1_0.html).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint,omitempty"`
	EndSession    string   `json:"end_session_endpoint,omitempty"`
	Keys          string   `json:"jwks_uri"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	ResponseTypes []string `json:"response_types_supported,omitempty"`
	SubjectTypes  []string `json:"subject_types_supported,omitempty"`
}

func (s *Sandbox) entraMetadata(q request) reply {
	if !s.knownTenant(q) {
		return unknownTenant()
	}
	base := s.cfg.BaseURL + "/entra/" + s.cfg.TenantID
	return reply{http.StatusOK, metadata{
		Issuer:        s.entraIssuer(),
		Authorization: base + "/oauth2/v2.0/authorize",
		Token:         base + "/oauth2/v2.0/token",
		EndSession:    base + "/oauth2/v2.0/logout",
		Keys:          base + "/discovery/v2.0/keys",
		Algorithms:    []string{"RS256"},
		AuthMethods:   []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		ResponseTypes: []string{"code", "id_token", "code id_token", "id_token token"},
		SubjectTypes:  []string{"pairwise"},
	}}
}

func (s *Sandbox) entraKeys(q request) reply {
	if !s.knownTenant(q) {
		return unknownTenant()
	}
	return s.jwks(entra)
}

func (s *Sandbox) channelMetadata(request) reply {
	return reply{http.StatusOK, metadata{
		Issuer:        channelIssuer,
		Authorization: "https://invalid.botframework.com",
		Keys:          s.cfg.BaseURL + "/channel/v1/.well-known/keys",
		Algorithms:    []string{"RS256"},
		AuthMethods:   []string{"private_key_jwt"},
	}}
}

func (s *Sandbox) channelKeys(request) reply { return s.jwks(channel) }

func (s *Sandbox) jwks(name issuerName) reply {
	keys, err := s.keys.jwks(name)
	if err != nil {
		return entraError(http.StatusInternalServerError, "server_error", err.Error())
	}
	return reply{http.StatusOK, keys}
}

// token answers the client credentials grant
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow)
// and redeems the codes of people who signed in.
func (s *Sandbox) token(q request) reply {
	form, err := url.ParseQuery(string(q.body))
	switch {
	case err != nil:
		return entraError(http.StatusBadRequest, "invalid_request", "AADSTS90014: the body is not a form.")
	case !s.knownTenant(q):
		return unknownTenant()
	}
	client, secret := clientOf(q, form)
	if refusal, ok := s.authenticate(client, secret, form); !ok {
		return refusal
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		return s.appOnly(client, form.Get("scope"))
	case "authorization_code":
		return s.redeem(strings.ToLower(client), form)
	}
	return entraError(http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: the grant type is not supported.")
}

// authenticate checks what proves the client; otherwise it returns the refusal.
func (s *Sandbox) authenticate(client, secret string, form url.Values) (refusal reply, ok bool) {
	if !s.knownApp(client) {
		return entraError(http.StatusBadRequest, "unauthorized_client", "AADSTS700016: application '"+client+"' was not found in the directory."), false
	}
	if form.Has("client_assertion") {
		if err := s.checkAssertion(client, form); err != nil {
			return entraError(http.StatusUnauthorized, "invalid_client", "AADSTS700027: "+err.Error()+"."), false
		}
	} else if !s.checkSecret(client, secret) {
		return entraError(http.StatusUnauthorized, "invalid_client", "AADSTS7000215: invalid client secret provided."), false
	}
	return reply{}, true
}

// appOnly grants a token to an app itself.
func (s *Sandbox) appOnly(client, scope string) reply {
	if strings.EqualFold(client, s.cfg.DeskAppID) {
		return entraError(http.StatusBadRequest, "unauthorized_client", "AADSTS700016: the desk's app speaks for people only.")
	}
	resource, ok := strings.CutSuffix(scope, "/.default")
	if !ok {
		return entraError(http.StatusBadRequest, "invalid_scope", "AADSTS1002012: the scope must be a resource with /.default appended.")
	}
	audience, ok := s.audienceOf(resource)
	if !ok {
		return entraError(http.StatusBadRequest, "invalid_resource", "AADSTS500011: the resource was not found in the tenant.")
	}
	return s.grant(strings.ToLower(client), audience)
}

// grant answers with a token whose version the resource asked for.
func (s *Sandbox) grant(client, audience string) reply {
	version := "2.0"
	s.mu.Lock()
	if s.tokensV1 {
		version = "1.0"
	}
	s.mu.Unlock()
	key, err := s.signingKey(Token{})
	if err != nil {
		return entraError(http.StatusInternalServerError, "server_error", err.Error())
	}
	access, err := sign(s.appToken(client, audience, version), key)
	if err != nil {
		return entraError(http.StatusInternalServerError, "server_error", err.Error())
	}
	return reply{http.StatusOK, gin.H{
		"token_type": "Bearer", "expires_in": int(tokenLife.Seconds()),
		"ext_expires_in": int(tokenLife.Seconds()), "access_token": access,
	}}
}

// UseV1Tokens makes Entra issue version 1 tokens, as it does for resources whose
// registration does not ask for version 2.
func (s *Sandbox) UseV1Tokens(on bool) {
	s.update(func() { s.tokensV1 = on })
}

// clientOf finds the client's credential in the header or in the form. RFC 6749,
// section 2.3.1, has both parts of the header form-encoded.
func clientOf(q request, form url.Values) (client, secret string) {
	name, word, ok := q.basicAuth()
	if !ok {
		return form.Get("client_id"), form.Get("client_secret")
	}
	client, err := url.QueryUnescape(name)
	if err != nil {
		client = name
	}
	secret, err = url.QueryUnescape(word)
	if err != nil {
		secret = word
	}
	return client, secret
}

func (s *Sandbox) knownApp(client string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.registrations[strings.ToLower(client)] != nil
}

// audienceOf names a resource as its tokens do: an app by its bare id, the
// connector by its URL.
func (s *Sandbox) audienceOf(resource string) (string, bool) {
	if resource == connectorAudience {
		return connectorAudience, true
	}
	id := strings.ToLower(strings.TrimPrefix(resource, "api://"))
	return id, id == s.cfg.CopilotAppID || id == s.cfg.SkillAppID
}

func (s *Sandbox) knownTenant(q request) bool {
	return strings.EqualFold(q.param("tenant"), s.cfg.TenantID)
}

func unknownTenant() reply {
	return entraError(http.StatusBadRequest, "invalid_tenant", "AADSTS90002: the tenant was not found.")
}

// entraError is the body of Entra's refusals
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
func entraError(status int, code, description string) reply {
	return reply{status, gin.H{"error": code, "error_description": description}}
}
