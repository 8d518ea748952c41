package e2e

import (
	"net/http"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// hello is an activity that needs an answer and changes nothing.
func hello(w *world) map[string]any {
	return map[string]any{
		"type": "typing", "channelId": "msteams", "id": "1", "serviceUrl": w.sandbox.URL() + "/teams/",
		"from": map[string]string{"id": "29:x"}, "conversation": map[string]string{"id": "a:x"}, "recipient": map[string]string{"id": "28:x"},
	}
}

// TestDoorsAreLimited: the copilot is one caller, a hub is another; strangers are
// counted by address, and their noise shuts nobody out.
func TestDoorsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{}, "LIAISON_RATE_PER_CALLER=0.01", "LIAISON_RATE_PER_CALLER_BURST=3",
		"LIAISON_RATE_PER_IP=0.01", "LIAISON_RATE_PER_IP_BURST=4")
	token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{})
	forged := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Key: sandbox.KeyStranger})
	strange := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Claims: map[string]any{"azp": "cccccccc-0000-4000-8000-000000000003"}})
	words := map[string]string{"conversationId": "nobody", "message": "hi", "sender": "Bo"}
	for i, tc := range []struct {
		path, token string
		body        any
		want        int
	}{
		{"/api/messages", "", hello(w), http.StatusUnauthorized},
		{"/api/messages", forged, hello(w), http.StatusUnauthorized},
		{"/api/messages", strange, hello(w), http.StatusForbidden},
		{"/api/livechat/messages", "", words, http.StatusUnauthorized},
		{"/api/messages", "", hello(w), http.StatusTooManyRequests},
		{"/api/livechat/messages", "", words, http.StatusTooManyRequests},
		{"/api/messages", token, hello(w), http.StatusAccepted}, // whose neighbour is the noise
		{"/api/messages", token, hello(w), http.StatusAccepted},
		{"/api/messages", token, hello(w), http.StatusAccepted},
		{"/api/messages", token, hello(w), http.StatusTooManyRequests},
	} {
		if status, text := w.post(t, tc.path, tc.token, tc.body); status != tc.want {
			t.Errorf("%d: %s: status %d %s, want %d", i, tc.path, status, text, tc.want)
		}
	}
}
