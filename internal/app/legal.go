package app

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/wwwroot"
)

// legalPolicy lets the pages load their style, and nothing else.
const legalPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// legal serves the two pages that an app in Teams has to name: the operator's own, or
// what can be said of the service.
type legal struct {
	privacy, terms       string // the operator's; "" for ours
	conversations, links time.Duration
}

// mount registers the pages. An error is one that cannot be read.
func (l legal) mount(r gin.IRouter) error {
	pages, err := template.ParseFS(wwwroot.Legal(), "*.html")
	if err != nil {
		return fmt.Errorf("legal pages: %w", err)
	}
	style, err := fs.ReadFile(wwwroot.Legal(), "legal.css")
	if err != nil {
		return fmt.Errorf("legal pages' style: %w", err)
	}
	r.GET("/legal.css", func(c *gin.Context) { c.Data(http.StatusOK, "text/css; charset=utf-8", style) })
	view := map[string]string{"Conversations": days(l.conversations), "Links": days(l.links)}
	for path, elsewhere := range map[string]string{"privacy": l.privacy, "terms": l.terms} {
		if elsewhere != "" {
			r.GET("/"+path, func(c *gin.Context) { c.Redirect(http.StatusFound, elsewhere) })
			continue
		}
		var page bytes.Buffer
		if err := pages.ExecuteTemplate(&page, path+".html", view); err != nil {
			return fmt.Errorf("write page %s: %w", path, err)
		}
		r.GET("/"+path, func(c *gin.Context) {
			c.Header("Content-Security-Policy", legalPolicy)
			c.Header("X-Content-Type-Options", "nosniff")
			c.Header("Referrer-Policy", "no-referrer")
			c.Data(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
		})
	}
	return nil
}

// days says a time as a page does, rounded up.
func days(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(math.Ceil(float64(d) / float64(unit.length))); d >= unit.length && n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "a minute"
}
