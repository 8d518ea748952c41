package contoso

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

func TestCanvas_settings(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		canvas Canvas
		want   string // the variable that is wrong
	}{
		"none":                   {Canvas{}, ""},
		"all":                    {Canvas{WebhookURL: "https://liaison.example/x", EmbedOrigins: []string{"https://a.example", "http://localhost:3000"}, PerIP: 1, PerIPBurst: 1, Idle: time.Hour}, ""},
		"a webhook that is none": {Canvas{WebhookURL: "liaison"}, "CONTOSO_CANVAS_WEBHOOK_URL"},
		"an origin with a path":  {Canvas{EmbedOrigins: []string{"https://a.example/"}}, "CONTOSO_EMBED_ORIGINS"},
		"an origin in the open":  {Canvas{EmbedOrigins: []string{"http://a.example"}}, "CONTOSO_EMBED_ORIGINS"},
		"everybody":              {Canvas{EmbedOrigins: []string{"*"}}, "CONTOSO_EMBED_ORIGINS"},
		"more than an origin":    {Canvas{EmbedOrigins: []string{"https://a.example; script-src *"}}, "CONTOSO_EMBED_ORIGINS"},
		"no burst":               {Canvas{PerIP: 1}, "CONTOSO_CANVAS_PER_IP_BURST"},
		"no burst of openings":   {Canvas{OpenPerIP: 1}, "CONTOSO_CANVAS_OPEN_PER_IP_BURST"},
		"less than no openings":  {Canvas{OpenPerIP: -1}, "CONTOSO_CANVAS_OPEN_PER_IP"},
		"no burst of words":      {Canvas{PerVisitor: 1}, "CONTOSO_CANVAS_PER_VISITOR_BURST"},
		"less than no pages":     {Canvas{StreamsPerVisitor: -1}, "CONTOSO_CANVAS_STREAMS_PER_VISITOR"},
		"less than none at all":  {Canvas{Streams: -1}, "CONTOSO_CANVAS_STREAMS"},
		"less than no room":      {Canvas{FileSpace: -1}, "CONTOSO_CANVAS_FILE_SPACE"},
		"less than no time":      {Canvas{Idle: -1}, "CONTOSO_CANVAS_IDLE"},
	} {
		err := row.canvas.check()
		if (err == nil) != (row.want == "") || err != nil && !strings.HasPrefix(err.Error(), row.want+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVisitor_cookie_is_for_this_page_alone(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		config Config
		want   string
	}{
		{Config{PublicURL: "http://127.0.0.1:5000"}, "contoso_visitor=token; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"},
		{Config{PublicURL: "https://hub.example"}, "__Host-contoso_visitor=token; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict"},
		{
			Config{PublicURL: "https://hub.example", Canvas: Canvas{EmbedOrigins: []string{"https://shop.example"}}},
			"__Host-contoso_visitor=token; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=None; Partitioned",
		},
	} {
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		(&App{Config: row.config}).setVisitor(c, "token")
		if got := w.Header().Get("Set-Cookie"); got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}
