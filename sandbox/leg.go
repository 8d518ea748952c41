package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// Bounds of a request, in bytes. Teams refuses messages far smaller, but takes a
// picture with them.
const (
	maxBody   = 4 << 20
	maxUpload = 64 << 20
)

// A request is what an endpoint gets: the request with its body read.
type request struct {
	*gin.Context
	body []byte
	app  string // of the bot's token, once it is verified
}

// A reply is what an endpoint answers. Endpoints do not write: a fault may have
// other plans with the answer.
type reply struct {
	status int
	body   any // sent as JSON; nil for none; see page and redirect
}

// A page is a body that is HTML, and where its forms may lead.
type page struct {
	html    []byte
	targets string // sources for Content-Security-Policy's form-action
}

// A redirect is a body that sends the browser elsewhere.
type redirect string

// on wraps an endpoint of a leg: it records the request, and plays a standing
// fault instead of, or after, the endpoint.
func (s *Sandbox) on(leg Leg, endpoint func(request) reply) gin.HandlerFunc {
	return web.Handle(s.log, func(c *gin.Context) error {
		limit := int64(maxBody)
		if leg == Files || leg == DirectLine {
			limit = maxUpload
		}
		body, err := web.Body(c, limit)
		if err != nil {
			return err
		}
		q := request{Context: c, body: body}
		kept := s.remember(leg, q)
		f := s.takeFault(leg, q.param("conversation"))
		s.settle(kept, s.play(q, f, endpoint))
		s.came(kept, f)
		return nil
	})
}

// param returns one segment of the path, unescaped.
func (q request) param(name string) string {
	value, err := url.PathUnescape(q.Param(name))
	if err != nil {
		return q.Param(name) // a client that does not escape; the id will be unknown
	}
	return value
}

// bearer returns the bearer token, or "". The scheme is written exactly so and
// followed by one space, as the Bot Framework SDKs want it.
func (q request) bearer() string {
	token, ok := strings.CutPrefix(q.GetHeader("Authorization"), "Bearer ")
	if !ok || strings.Contains(token, " ") {
		return ""
	}
	return token
}

// basicAuth returns name and word of HTTP basic authentication.
func (q request) basicAuth() (name, word string, ok bool) { return q.Request.BasicAuth() }

// write sends r.
func (q request) write(r reply) {
	if r.body == nil {
		q.Status(r.status)
		q.Writer.WriteHeaderNow()
		return
	}
	switch body := r.body.(type) {
	case page:
		q.Header("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "+body.targets)
		q.Header("X-Content-Type-Options", "nosniff")
		q.Header("Referrer-Policy", "same-origin")
		q.Header("Cache-Control", "no-store")
		q.Data(r.status, "text/html; charset=utf-8", body.html)
	case content:
		body.write(q, r.status)
	case stream:
		body.serve(q)
	case activityFile:
		q.Data(r.status, body.kind, body.content)
	case redirect:
		q.Header("Cache-Control", "no-store")
		q.Header("Location", string(body))
		q.Status(r.status)
		q.Writer.WriteHeaderNow()
	default:
		q.JSON(cmp.Or(r.status, http.StatusOK), r.body)
	}
}
