package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/steady"
	"github.com/liaison-skill/liaison/internal/web"
)

func TestMain(m *testing.M) {
	os.Exit(steady.Main(m))
}

// record is a log to look into.
func record() (*slog.Logger, *bytes.Buffer) {
	var buf bytes.Buffer
	return slog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug})), &buf
}

// ask lets r answer one request, without a network.
func ask(tb testing.TB, r http.Handler, method, path, body string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body)))
	return w
}

// TestHandle: what the peer is told, what only the log is told, and how loudly.
func TestHandle(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause-canary")
	for name, tc := range map[string]struct {
		err    error
		status int
		body   string
		header http.Header
		level  string
	}{
		"no error": {status: http.StatusTeapot, body: "mine"},
		"an Error's text is for the peer, its cause for the log": {
			err:    &web.Error{Status: http.StatusConflict, Text: "it is over", Err: cause},
			status: http.StatusConflict, body: `{"error":"it is over"}`, level: "DEBUG",
		},
		"an Error deep in the chain counts": {
			err:    fmt.Errorf("handle: %w", &web.Error{Status: http.StatusNotFound, Text: "no such thing", Err: cause}),
			status: http.StatusNotFound, body: `{"error":"no such thing"}`, level: "DEBUG",
		},
		"any other error is a bare 500": {
			err: cause, status: http.StatusInternalServerError, body: `{"error":"internal error"}`, level: "ERROR",
		},
		"a 401 names the scheme": {
			err:    &web.Error{Status: http.StatusUnauthorized, Text: "token required", Err: cause},
			status: http.StatusUnauthorized, body: `{"error":"token required"}`, level: "DEBUG",
			header: http.Header{"Www-Authenticate": {"Bearer"}},
		},
		"unavailable says when to come again": {
			err: web.Unavailable(cause), status: http.StatusServiceUnavailable, level: "ERROR",
			body: `{"error":"not accepted, try again later"}`, header: http.Header{"Retry-After": {"2"}},
		},
		"a part of a second is a whole one": {
			err:    &web.Error{Status: http.StatusTooManyRequests, Text: "slower", Err: cause, RetryAfter: 1100 * time.Millisecond},
			status: http.StatusTooManyRequests, body: `{"error":"slower"}`, level: "DEBUG", header: http.Header{"Retry-After": {"2"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, logged := record()
			r := web.NewEngine(log)
			r.GET("/things/:id", web.Handle(log, func(c *gin.Context) error {
				if tc.err == nil {
					c.String(http.StatusTeapot, "mine")
				}
				return tc.err
			}))
			resp := ask(t, r, http.MethodGet, "/things/secret-id?q=secret-query", "")
			if got := resp.Body.String(); resp.Code != tc.status || got != tc.body {
				t.Errorf("answered %d %s, want %d %s", resp.Code, got, tc.status, tc.body)
			}
			for _, name := range []string{"Www-Authenticate", "Retry-After"} {
				if got, want := resp.Header().Get(name), tc.header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if tc.err == nil {
				if logged.Len() > 0 {
					t.Errorf("logged %s", logged)
				}
				return
			}
			for _, want := range []string{`"level":"` + tc.level, "cause-canary", `"route":"/things/:id"`} {
				if !strings.Contains(logged.String(), want) {
					t.Errorf("log lacks %s: %s", want, logged)
				}
			}
			if strings.Contains(logged.String(), "secret-") {
				t.Errorf("log holds what the peer asked for: %s", logged)
			}
		})
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	err := &web.Error{Status: http.StatusBadRequest, Text: "wrong", Err: io.ErrUnexpectedEOF}
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "wrong: unexpected EOF" {
		t.Errorf("got %v", err)
	}
	if err := web.BadRequest("say it so"); err.Status != http.StatusBadRequest || err.Error() != "say it so" {
		t.Errorf("got %d %v", err.Status, err)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	log, _ := record()
	r := web.NewEngine(log)
	r.POST("/api/messages", func(c *gin.Context) { c.Status(http.StatusAccepted) })
	for request, want := range map[string]string{
		"GET /":               `404 {"error":"no such path"}`,
		"POST /API/messages":  `404 {"error":"no such path"}`,
		"POST /api/messages/": `404 {"error":"no such path"}`,
		"GET /api/messages":   `405 {"error":"GET is not allowed here"}`,
	} {
		method, path, _ := strings.Cut(request, " ")
		resp := ask(t, r, method, path, "")
		if got := fmt.Sprintf("%d %s", resp.Code, resp.Body.String()); got != want {
			t.Errorf("%s: answered %s, want %s", request, got, want)
		}
		if allow := resp.Header().Get("Allow"); (resp.Code == http.StatusMethodNotAllowed) != (allow == http.MethodPost) {
			t.Errorf("%s: status %d allows %q", request, resp.Code, allow)
		}
	}
}

func TestPanicIsA500AndSaysWhere(t *testing.T) {
	t.Parallel()
	log, logged := record()
	r := web.NewEngine(log)
	r.GET("/", func(*gin.Context) { explode() })
	resp := ask(t, r, http.MethodGet, "/", "")
	if got := resp.Body.String(); resp.Code != http.StatusInternalServerError || got != `{"error":"internal error"}` {
		t.Errorf("answered %d %s", resp.Code, got)
	}
	for _, want := range []string{`"level":"ERROR"`, "panic-canary", "web_test.explode"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("log lacks %s: %s", want, logged)
		}
	}
}

func explode() { panic("panic-canary") }

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	log, _ := record()
	r := web.NewEngine(log)
	r.POST("/", web.Handle(log, func(c *gin.Context) error {
		body, err := web.Body(c, 8)
		if err != nil {
			return err
		}
		c.String(http.StatusOK, "%s", body)
		return nil
	}))
	for body, want := range map[string]string{
		"":          "200 ",
		"12345678":  "200 12345678",
		"123456789": `413 {"error":"body is larger than 8 bytes"}`,
	} {
		resp := ask(t, r, http.MethodPost, "/", body)
		if got := fmt.Sprintf("%d %s", resp.Code, resp.Body.String()); got != want {
			t.Errorf("%q: answered %s, want %s", body, got, want)
		}
	}
	t.Run("a body that breaks off is a 400", func(t *testing.T) {
		t.Parallel()
		w := httptest.NewRecorder()
		broken := io.MultiReader(strings.NewReader("123"), brokenReader{})
		r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", broken))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "body could not be read") {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestDecode(t *testing.T) {
	t.Parallel()
	log, logged := record()
	r := web.NewEngine(log)
	r.POST("/", web.Handle(log, func(c *gin.Context) error {
		var in struct{ Name string }
		if err := web.Decode(c, 40, &in); err != nil {
			return err
		}
		c.String(http.StatusOK, "%s", in.Name)
		return nil
	}))
	for body, want := range map[string]string{
		`{"name":"Ada"}`:               "200 Ada",
		`{"NAME":"Ada","more":[1,{}]}`: "200 Ada",
		``:                             `400 {"error":"body is not the expected JSON"}`,
		`{"name":"Ada"`:                `400 {"error":"body is not the expected JSON"}`,
		`{"name":"Ada"}{}`:             `400 {"error":"body is not the expected JSON"}`,
		`{"name":["text-canary"]}`:     `400 {"error":"body is not the expected JSON"}`,
		`[]`:                           `400 {"error":"body is not the expected JSON"}`,
		`{"name":"` + strings.Repeat("x", 40) + `"}`: `413 {"error":"body is larger than 40 bytes"}`,
	} {
		resp := ask(t, r, http.MethodPost, "/", body)
		if got := fmt.Sprintf("%d %s", resp.Code, resp.Body.String()); got != want {
			t.Errorf("%s: answered %s, want %s", body, got, want)
		}
	}
	if strings.Contains(logged.String(), "canary") {
		t.Errorf("the log holds a body's text: %s", logged)
	}
}
