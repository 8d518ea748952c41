package sandbox

import (
	"bytes"
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/wwwroot"
)

// codeLife is how long a code can be redeemed.
const codeLife = time.Minute

// A signInCode is what a code stands for.
type signInCode struct {
	client    string
	redirect  string
	challenge string // S256 of the verifier
	nonce     string
	person    worker
	until     time.Time
}

// A worker is somebody who can sign in at the desk.
type worker struct{ ID, Name, Address string }

// Initials is what stands for a face.
func (w worker) Initials() string {
	first, last, _ := strings.Cut(w.Name, " ")
	return first[:1] + last[:1]
}

// Agents returns the names of the live agents: more people of Microsoft's demo
// tenants.
func Agents() []string { return []string{"Adele Vance", "Diego Siciliani", "Isaiah Langer"} }

func workers() []worker {
	var all []worker
	for _, name := range Agents() {
		first, last, _ := strings.Cut(name, " ")
		all = append(all, worker{
			ID: newPerson(name).profile.ObjectID, Name: name, Address: strings.ToLower(first+last[:1]) + "@contoso.com",
		})
	}
	return all
}

// mountSignIn adds the pages of Entra that people see.
func (s *Sandbox) mountSignIn(r gin.IRouter) {
	const path = "/entra/:tenant/oauth2/v2.0/"
	r.GET(path+"authorize", s.on(SignIn, s.authorize))
	r.POST(path+"authorize", s.sameOrigin(), s.on(SignIn, s.choose))
	r.GET(path+"logout", s.on(SignIn, s.logout))
	r.GET("/entra/signin.css", func(c *gin.Context) {
		c.Header("X-Content-Type-Options", "nosniff")
		c.Header("Cache-Control", "no-cache")
		c.FileFromFS("signin.css", http.FS(wwwroot.Entra()))
	})
}

// authorize asks who is there
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow).
func (s *Sandbox) authorize(q request) reply {
	question := q.Request.URL.Query()
	if refusal, ok := s.question(q, question); !ok {
		return refusal
	}
	if question.Get("prompt") == "none" {
		return answer(question, url.Values{"error": {"interaction_required"}})
	}
	question.Del("person") // is for the person to say
	return s.show(http.StatusOK, signInPage{
		Title: "Pick an account", People: workers(), Action: q.Request.URL.Path, Question: question,
	})
}

// choose takes the answer, and issues a code.
func (s *Sandbox) choose(q request) reply {
	form, err := url.ParseQuery(string(q.body))
	if err != nil {
		return s.refuse("AADSTS90014: the body is not a form.")
	}
	if refusal, ok := s.question(q, form); !ok {
		return refusal
	}
	all := workers()
	i := slices.IndexFunc(all, func(w worker) bool { return w.ID == form.Get("person") })
	if i < 0 {
		return answer(form, url.Values{"error": {"access_denied"}, "error_description": {"AADSTS65004: the user declined."}})
	}
	code := rand.Text()
	s.update(func() {
		s.forget()
		s.codes[code] = signInCode{
			client: strings.ToLower(form.Get("client_id")), redirect: form.Get("redirect_uri"),
			challenge: form.Get("code_challenge"), nonce: form.Get("nonce"), person: all[i], until: time.Now().Add(codeLife),
		}
	})
	return answer(form, url.Values{"code": {code}})
}

// forget drops codes whose time is over. It is called under mu.
func (s *Sandbox) forget() {
	now := time.Now()
	for code, c := range s.codes {
		if now.After(c.until) {
			delete(s.codes, code)
		}
	}
}

// question checks what an app asks of Entra. Who asks for another app's redirect
// is told on the page: a redirect would be the harm.
func (s *Sandbox) question(q request, form url.Values) (refusal reply, ok bool) {
	switch {
	case !s.knownTenant(q):
		return s.refuse("AADSTS90002: the tenant was not found."), false
	case !strings.EqualFold(form.Get("client_id"), s.cfg.DeskAppID):
		return s.refuse("AADSTS700016: the application was not found in the directory."), false
	case !s.registered(form.Get("redirect_uri"), "/auth/callback"):
		return s.refuse("AADSTS50011: the redirect URI does not match those registered for the application."), false
	}
	wrong := func(code, text string) (reply, bool) {
		return answer(form, url.Values{"error": {code}, "error_description": {text}}), false
	}
	switch {
	case form.Get("response_type") != "code":
		return wrong("unsupported_response_type", "AADSTS700054: only the code flow is enabled.")
	case !slices.Contains(strings.Fields(form.Get("scope")), "openid"):
		return wrong("invalid_scope", "AADSTS70011: the scope must hold openid.")
	case form.Get("code_challenge_method") != "S256" || form.Get("code_challenge") == "":
		return wrong("invalid_request", "AADSTS9002325: a code challenge by S256 is required.")
	}
	return reply{}, true
}

// registered reports whether a URL is the desk's, exactly.
func (s *Sandbox) registered(target, path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desk != "" && target == s.desk+path
}

// answer sends the browser back with what came of the question.
func answer(question, values url.Values) reply {
	if state := question.Get("state"); state != "" {
		values.Set("state", state)
	}
	return reply{http.StatusFound, redirect(question.Get("redirect_uri") + "?" + values.Encode())}
}

// logout ends the session at the issuer: there is none to end.
func (s *Sandbox) logout(q request) reply {
	if target := q.Query("post_logout_redirect_uri"); s.registered(target, "/") {
		return reply{http.StatusFound, redirect(target)}
	}
	return s.show(http.StatusOK, signInPage{Title: "You signed out of your account", Text: "You may close this window."})
}

func (s *Sandbox) refuse(text string) reply {
	return s.show(http.StatusBadRequest, signInPage{Title: "Sorry, we can't sign you in", Text: text})
}

// A signInPage is what the page shows: people to choose from, or a text.
type signInPage struct {
	Title    string
	Text     string
	People   []worker
	Action   string
	Question url.Values
}

// show renders the page. Its form leads to us and, from here, to the desk: a
// browser holds the redirect against the policy as well.
func (s *Sandbox) show(status int, p signInPage) reply {
	t, err := template.ParseFS(wwwroot.Entra(), "signin.html")
	if err != nil {
		return entraError(http.StatusInternalServerError, "server_error", err.Error())
	}
	var html bytes.Buffer
	if err := t.Execute(&html, p); err != nil {
		return entraError(http.StatusInternalServerError, "server_error", err.Error())
	}
	targets := "'none'"
	if len(p.People) > 0 {
		s.mu.Lock()
		targets = "'self' " + s.desk
		s.mu.Unlock()
	}
	return reply{status, page{html.Bytes(), targets}}
}
