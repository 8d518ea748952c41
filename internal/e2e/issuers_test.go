package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestIssuersAway: metadata and keys cannot be had while everybody talks; the last
// good ones serve, also while somebody makes us ask for others.
func TestIssuersAway(t *testing.T) {
	t.Parallel()
	refuses, hangs := sandbox.Fault{Status: http.StatusServiceUnavailable}, sandbox.Fault{Hang: true}
	nonsense := sandbox.Fault{Status: http.StatusOK, Echo: true}
	for name, faults := range map[string]map[sandbox.Kind]sandbox.Fault{
		"they refuse or talk nonsense": {sandbox.SkillCall: refuses, sandbox.ChannelCall: nonsense},
		"they hang":                    {sandbox.SkillCall: hangs, sandbox.ChannelCall: hangs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRollingWorld(t, "LIAISON_DRAIN=1s")
			tr := startTalking(t, w)
			for kind, fault := range faults {
				w.sandbox.ClearFaults(sandbox.Keys)
				w.sandbox.Fault(sandbox.Keys, fault)
				asked := len(w.sandbox.Requests(sandbox.Keys))
				unknown := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: kind, Key: sandbox.KeyUnknown})
				ctx, cancel := context.WithCancel(t.Context())
				sent := make(chan error, 1)
				go func() { sent <- send(ctx, http.DefaultClient, w.door.url+"/api/messages", unknown, hello(w.world)) }()
				eventually(t, "the issuer is asked", func() bool { return len(w.sandbox.Requests(sandbox.Keys)) > asked })
				if fault.Hang {
					cancel() // the issuer has ten seconds
				}
				err := <-sent
				cancel()
				if err == nil || !fault.Hang && !strings.Contains(err.Error(), "401") {
					t.Errorf("a token of an unknown key: %v", err)
				}
				tr.more(t, 4)
			}
			tr.end()
		})
	}
}

// TestStartWhileIssuersAreAway refuses what it cannot judge and says when to come
// again; it needs no restart.
func TestStartWhileIssuersAreAway(t *testing.T) {
	t.Parallel()
	w := build(t, sandbox.Config{})
	w.sandbox.Fault(sandbox.Keys, sandbox.Fault{Status: http.StatusServiceUnavailable})
	w.service.start()
	t.Cleanup(w.service.stop)
	knock := func(kind sandbox.Kind) (status int, after string) {
		t.Helper()
		raw, err := json.Marshal(hello(w))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.service.url()+"/api/messages", strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: kind}))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	kinds := []sandbox.Kind{sandbox.SkillCall, sandbox.ChannelCall}
	for _, kind := range kinds {
		if status, after := knock(kind); status != http.StatusServiceUnavailable || after == "" {
			t.Errorf("kind %d: status %d, Retry-After %q", kind, status, after)
		}
	}
	w.sandbox.ClearFaults(sandbox.Keys)
	for _, kind := range kinds {
		eventually(t, "accepted", func() bool {
			status, _ := knock(kind)
			return status == http.StatusAccepted
		})
	}
}

// TestClockSkew takes tokens and webhooks of clocks that are four minutes off, and
// none of those that are six.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	w, user, id := escalated(t, sandbox.Config{})
	for offset, good := range map[time.Duration]bool{4 * time.Minute: true, 6 * time.Minute: false} {
		accepted := map[bool]int{true: http.StatusAccepted, false: http.StatusUnauthorized}[good]
		heard := map[bool]int{true: http.StatusNoContent, false: http.StatusUnauthorized}[good]
		late, early := time.Now().Add(-offset), time.Now().Add(offset)
		for _, kind := range []sandbox.Kind{sandbox.SkillCall, sandbox.SkillCallV1, sandbox.ChannelCall} {
			for name, claims := range map[string]map[string]any{
				"expired": {"exp": late.Unix(), "nbf": late.Add(-time.Hour).Unix()}, "to come": {"nbf": early.Unix(), "iat": early.Unix()},
			} {
				token := sandboxtest.Mint(t, w.sandbox, sandbox.Token{Kind: kind, Claims: claims})
				if got, _ := w.post(t, "/api/messages", token, hello(w)); got != accepted {
					t.Errorf("a token of kind %d that is %s by %s: status %d, want %d", kind, name, offset, got, accepted)
				}
			}
		}
		for name, at := range map[string]time.Time{"late": late, "early": early} {
			body := fmt.Sprintf(`{"conversationId":%q,"message":"%s by %s","sender":"Ada"}`, id, name, offset)
			if got, _ := w.post(t, "/api/livechat/messages", "", []byte(body), sign(name+offset.String(), at, body)...); got != heard {
				t.Errorf("a webhook that is %s by %s: status %d, want %d", name, offset, got, heard)
			}
		}
	}
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "late by 4m")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "early by 4m")
}
