// Package survey is the door through which users say what they think of the help
// they had: a page that a link in Teams leads to, for browsers without scripts.
//
// Looking at the page, as scanners of links do, answers nothing; sending its form
// does, once. Who has a link's token is the user: nobody signs in.
package survey

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/texts"
	"github.com/liaison-skill/liaison/wwwroot"
)

// maxForm bounds a form in bytes: the longest comment in any script, encoded.
const maxForm = 32 << 10

// policy lets the page load its style and send its form, and nothing else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves surveys.
type Handler struct {
	Bridge  *bridge.Bridge
	Texts   *texts.Catalogue
	Log     *slog.Logger
	Limiter *web.Limiter // nil limits nothing

	page  *template.Template
	style []byte
}

// Mount registers the page's routes. An error is a page that cannot be read.
func (h *Handler) Mount(r gin.IRouter) error {
	var err error
	if h.page, err = template.ParseFS(wwwroot.Survey(), "survey.html"); err != nil {
		return fmt.Errorf("survey's page: %w", err)
	}
	if h.style, err = fs.ReadFile(wwwroot.Survey(), "survey.css"); err != nil {
		return fmt.Errorf("survey's style: %w", err)
	}
	r.GET("/survey.css", func(c *gin.Context) { c.Data(http.StatusOK, "text/css; charset=utf-8", h.style) })
	r.GET(bridge.SurveyPath+":token", web.Handle(h.Log, h.show))
	r.HEAD(bridge.SurveyPath+":token", web.Handle(h.Log, h.show))
	r.POST(bridge.SurveyPath+":token", web.Handle(h.Log, h.answer))
	return nil
}

// A choice is one of the answers.
type choice struct {
	Score  int
	Title  string
	Chosen bool
}

// view is what the page shows: a form, or only Text.
type view struct {
	Language, Direction, Question, Text string

	Action        string
	Answers       []choice
	Comment, Send string
}

func (h *Handler) show(c *gin.Context) error {
	s, err := h.Bridge.Survey(c.Request.Context(), c.Param("token"))
	if err != nil {
		return h.refuse(c, err)
	}
	if !s.Open {
		return h.over(c, http.StatusGone, s.Voice)
	}
	v := view{Question: s.Question, Action: c.Request.URL.EscapedPath(), Comment: s.Voice.Say(texts.SurveyComment()), Send: s.Voice.Say(texts.ButtonSend())}
	chosen, _ := score(c.Query("score"))
	for i, answer := range texts.SurveyAnswers() {
		v.Answers = append(v.Answers, choice{i + 1, s.Voice.Say(answer), i+1 == chosen})
	}
	return h.write(c, http.StatusOK, s.Voice, v)
}

func (h *Handler) answer(c *gin.Context) error {
	s, err := h.Bridge.Survey(c.Request.Context(), c.Param("token"))
	if err != nil {
		return h.refuse(c, err)
	}
	body, err := web.Body(c, maxForm)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return web.BadRequest("expected a form")
	}
	n, ok := score(form.Get("score"))
	if !ok {
		return web.BadRequest("score: expected 1 to 5")
	}
	err = h.Bridge.Rate(c.Request.Context(), c.Param("token"), n, form.Get("comment"))
	switch {
	case errors.Is(err, bridge.ErrSurveyOver):
		return h.over(c, http.StatusGone, s.Voice)
	case err != nil:
		return h.refuse(c, err)
	}
	return h.write(c, http.StatusOK, s.Voice, view{Text: s.Voice.Say(texts.SurveyThanks())})
}

// refuse answers somebody whose token is not ours, or not any more, in the
// browser's language, and counts them as a stranger. Whoever cannot be served now
// may come again.
func (h *Handler) refuse(c *gin.Context, err error) error {
	if !errors.Is(err, mapping.ErrNotFound) {
		return web.Unavailable(err)
	}
	if err := h.Limiter.Stranger(c, err); err != nil {
		return err
	}
	wanted, _, _ := strings.Cut(c.GetHeader("Accept-Language"), ",")
	wanted, _, _ = strings.Cut(wanted, ";")
	return h.over(c, http.StatusNotFound, h.Texts.In(wanted, ""))
}

func (h *Handler) over(c *gin.Context, status int, v texts.Voice) error {
	return h.write(c, status, v, view{Text: v.Say(texts.SurveyOver())})
}

func score(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= 5
}

func (h *Handler) write(c *gin.Context, status int, voice texts.Voice, v view) error {
	v.Language, v.Direction = voice.Language(), voice.Direction()
	var page bytes.Buffer
	if err := h.page.Execute(&page, v); err != nil {
		return fmt.Errorf("write survey's page: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
	} {
		c.Header(name, value)
	}
	c.Data(status, "text/html; charset=utf-8", page.Bytes())
	return nil
}
