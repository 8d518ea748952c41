package bridge

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/livechat/contoso"
)

// TestReportHub: news reaches the agent as such where it can, and in words where
// not; a hub that is away gets neither, until it is back.
func TestReportHub(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int // of a report; 0: the adapter has no such ability
		want   []string
		fails  bool
	}{
		"taken":      {http.StatusNoContent, []string{"/api/chat/report"}, false},
		"unknown":    {http.StatusNotFound, []string{"/api/chat/report", "/api/chat/receive"}, false},
		"away":       {http.StatusServiceUnavailable, []string{"/api/chat/report"}, true},
		"no ability": {0, []string{"/api/chat/receive"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				if r.URL.Path == "/api/chat/report" {
					w.WriteHeader(tc.status)
				}
			}))
			defer server.Close()
			hub := livechat.Hub(&contoso.Adapter{HTTP: server.Client(), URL: server.URL})
			if tc.status == 0 {
				hub = struct{ livechat.Hub }{hub}
			}
			err := reportHub(t.Context(), hub, livechat.News{Kind: livechat.NewsUnreachable}, livechat.Message{Conversation: "c", Key: "k", Text: "x"})
			if (err != nil) != tc.fails || !slices.Equal(asked, tc.want) {
				t.Errorf("asked %q, %v; want %q", asked, err, tc.want)
			}
		})
	}
}
