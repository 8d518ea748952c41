package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
)

// BendIDTokens makes the id_tokens of those who sign in differ from good ones:
// t's claims replace theirs (a nil one goes), t's key signs. The zero Token ends
// it. Its Kind is ignored.
func (s *Sandbox) BendIDTokens(t Token) {
	s.update(func() { s.idToken = t })
}

// redeem trades a code for an id_token
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#redeem-a-code-for-an-access-token).
// A code serves once, even in vain.
func (s *Sandbox) redeem(client string, form url.Values) reply {
	var c signInCode
	var known bool
	s.update(func() {
		s.forget()
		c, known = s.codes[form.Get("code")]
		delete(s.codes, form.Get("code"))
	})
	wrong := func(text string) reply { return entraError(http.StatusBadRequest, "invalid_grant", text) }
	verifier := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case !known:
		return wrong("AADSTS54005: the code was redeemed already, has expired, or was never issued.")
	case c.client != client:
		return wrong("AADSTS700005: the code is for another application.")
	case c.redirect != form.Get("redirect_uri"):
		return wrong("AADSTS50011: the redirect URI is not the one the code was asked for with.")
	case c.challenge != base64.RawURLEncoding.EncodeToString(verifier[:]):
		return wrong("AADSTS501481: the code verifier does not match the code challenge.")
	}
	token, err := s.idTokenFor(c)
	if err != nil {
		return entraError(http.StatusInternalServerError, "server_error", err.Error())
	}
	return reply{http.StatusOK, gin.H{
		"token_type": "Bearer", "scope": "openid profile email", "expires_in": int(tokenLife / time.Second),
		"access_token": rand.Text(), "id_token": token,
	}}
}

// idTokenFor makes the id_token of who signed in
// (https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
func (s *Sandbox) idTokenFor(c signInCode) (string, error) {
	s.mu.Lock()
	bent := s.idToken
	s.mu.Unlock()
	bent.Kind = SkillCall // whose issuer is Entra
	// Entra's subject is another for every application.
	subject := sha256.Sum256([]byte(c.client + c.person.ID))
	claims := lifetime(map[string]any{
		"iss": s.entraIssuer(), "aud": c.client, "sub": hex.EncodeToString(subject[:16]), "ver": "2.0",
		"name": c.person.Name, "preferred_username": c.person.Address, "oid": c.person.ID, "tid": s.cfg.TenantID,
	})
	if c.nonce != "" {
		claims["nonce"] = c.nonce
	}
	maps.Copy(claims, bent.Claims)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	if bent.Alg == algNone {
		return unsigned(claims)
	}
	key, err := s.signingKey(bent)
	if err != nil {
		return "", err
	}
	return sign(claims, key)
}
