package contoso

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
)

// attemptLife bounds the time between the desk and the way back to it.
const attemptLife = 15 * time.Minute

// Names of cookies. Over https they carry the prefix with which browsers let no
// other host and no subdomain set them.
const (
	sessionCookie = "contoso-desk"
	attemptCookie = "contoso-signin"
	hostPrefix    = "__Host-"
)

// Why a sign-in did not succeed, as the page is told in ?signin=.
const (
	signInLate    = "late"    // not begun in this browser, or too long ago
	signInDenied  = "denied"  // the issuer, or the person, said no
	signInRefused = "refused" // not among those allowed
	signInFailed  = "failed"  // the issuer cannot be reached or believed
)

// errNotAllowed says that the issuer vouches for somebody we do not want.
var errNotAllowed = errors.New("person is not in CONTOSO_OIDC_ALLOWED")

// A signIn is the authorization code flow
// (https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth) with PKCE.
// What belongs to one attempt is kept in the browser that makes it.
type signIn struct {
	issuer
	home   string // the desk's own URL
	secure bool   // cookies travel over https only
}

func newSignIn(c Config) *signIn {
	return &signIn{
		issuer: newIssuer(c.SignIn, c.PublicURL+"/auth/callback"),
		home:   c.PublicURL,
		secure: strings.HasPrefix(c.PublicURL, "https://"),
	}
}

// elsewhere reports whether the browser knows the desk on this machine by
// another name, as localhost for 127.0.0.1: the way back would lead past its
// cookies.
func (s *signIn) elsewhere(host string) bool {
	return !s.secure && "http://"+host != s.home
}

// setCookie sets a cookie, or removes it when it has no value.
func (s *signIn) setCookie(c *gin.Context, name, value string, life time.Duration) {
	cookie := http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, &cookie)
}

func (s *signIn) cookieName(name string) string {
	if s.secure {
		return hostPrefix + name
	}
	return name
}

// session returns the session's id that a request carries, or "".
func (s *signIn) session(r *http.Request) string { return s.cookie(r, sessionCookie) }

func (s *signIn) cookie(r *http.Request, name string) string {
	cookie, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// An attempt is what must come back unchanged from the issuer.
type attempt struct {
	state    string // ties the answer to this browser
	nonce    string // ties the token to this attempt
	verifier string // ties the code to this attempt: PKCE
}

func newAttempt() attempt {
	return attempt{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
}

func (t attempt) String() string { return t.state + "." + t.nonce + "." + t.verifier }

func parseAttempt(text string) (attempt, bool) {
	parts := strings.Split(text, ".") // none of the three holds a full stop
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return attempt{}, false
	}
	return attempt{state: parts[0], nonce: parts[1], verifier: parts[2]}, true
}

// getSignIn sends the browser to the issuer. With ?other=1 the issuer is asked
// not to take the account it knows.
func (a *App) getSignIn(c *gin.Context) error {
	ctx, query := c.Request.Context(), c.Request.URL.Query()
	if a.signIn.elsewhere(c.Request.Host) && query.Get("here") == "" {
		query.Set("here", "1") // once: a proxy may write the Host header
		c.Redirect(http.StatusFound, a.signIn.home+"/auth/signin?"+query.Encode())
		return nil
	}
	p, err := a.signIn.provider(ctx)
	if err != nil {
		return a.turnAway(c, err)
	}
	t := newAttempt()
	options := []oauth2.AuthCodeOption{oidc.Nonce(t.nonce), oauth2.S256ChallengeOption(t.verifier)}
	if query.Get("other") != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	a.signIn.setCookie(c, attemptCookie, t.String(), attemptLife)
	c.Redirect(http.StatusFound, p.oauth.AuthCodeURL(t.state, options...))
	return nil
}

// getCallback takes the issuer's answer. An attempt serves once.
func (a *App) getCallback(c *gin.Context) error {
	t, begun := parseAttempt(a.signIn.cookie(c.Request, attemptCookie))
	a.signIn.setCookie(c, attemptCookie, "", 0)
	switch {
	case !begun || !same(c.Query("state"), t.state):
		return a.turnAway(c, errLate)
	case c.Query("error") != "":
		return a.turnAway(c, errDenied)
	}
	ctx := c.Request.Context()
	who, err := a.signIn.redeem(ctx, c.Query("code"), t)
	if err != nil {
		return a.turnAway(c, err)
	}
	return a.admit(ctx, c, who)
}

// admit opens a session.
func (a *App) admit(ctx context.Context, c *gin.Context, who agent) error {
	var id string
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) (err error) {
		id, err = startSession(ctx, tx, a.signIn.session(c.Request), who)
		return err
	})
	if err != nil {
		return storable(err)
	}
	a.Log.InfoContext(ctx, "agent signed in", "subject", who.Subject)
	a.signIn.setCookie(c, sessionCookie, id, 0) // until the browser is closed, at the longest
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}

var (
	errLate   = errors.New("answer belongs to no attempt of this browser")
	errDenied = errors.New("issuer did not sign the person in")
)

// turnAway shows the page, which says what went wrong and offers another try.
func (a *App) turnAway(c *gin.Context, err error) error {
	why := signInFailed
	switch {
	case errors.Is(err, errLate):
		why = signInLate
	case errors.Is(err, errDenied):
		why = signInDenied
	case errors.Is(err, errNotAllowed):
		why = signInRefused
	}
	if over := a.limiter.Stranger(c, err); over != nil {
		return over
	}
	a.Log.WarnContext(c.Request.Context(), "sign-in turned away", "why", why, "err", err)
	c.Redirect(http.StatusSeeOther, "/?signin="+why)
	return nil
}

// postSignOut ends the session here and tells the page where to end it at the
// issuer.
func (a *App) postSignOut(c *gin.Context) error {
	ctx := c.Request.Context()
	if id := a.signIn.session(c.Request); id != "" {
		if err := a.endSession(ctx, id); err != nil {
			return err
		}
		a.left.wake()
	}
	a.signIn.setCookie(c, sessionCookie, "", 0)
	c.JSON(http.StatusOK, gin.H{"to": a.signIn.afterwards(ctx)})
	return nil
}

// afterwards is where a browser goes once the desk has let it go
// (https://openid.net/specs/openid-connect-rpinitiated-1_0.html).
func (s *signIn) afterwards(ctx context.Context) string {
	p, err := s.provider(ctx)
	if err != nil || p.endSession == nil {
		return "/"
	}
	to := *p.endSession
	query := to.Query()
	query.Set("client_id", s.config.ClientID)
	query.Set("post_logout_redirect_uri", s.home+"/")
	to.RawQuery = query.Encode()
	return to.String()
}

// getMe says who is at the desk. Without sign-in it is whoever they say.
func (a *App) getMe(c *gin.Context) error {
	c.JSON(http.StatusOK, struct {
		Name       string `json:"name"`
		SignedIn   bool   `json:"signedIn"`
		Supervisor bool   `json:"supervisor,omitempty"`
	}{agentName(c), a.signIn != nil, a.supervises(c)})
	return nil
}

// endpoint parses a URL of the issuer's metadata; nil if there is none to use.
func endpoint(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || !safeURL(text) {
		return nil
	}
	return u
}
