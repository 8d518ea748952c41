package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestVerify_keys_are_fetched_once(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	header := "Bearer " + sandboxtest.Mint(t, d.sandbox, sandbox.Token{})
	if n := len(d.sandbox.Requests(sandbox.Keys)); n != 0 {
		t.Errorf("%d requests before the first call, want none", n)
	}
	var calls sync.WaitGroup
	for range 16 {
		calls.Go(func() {
			if _, err := d.verifier.Verify(t.Context(), header, d.teams()); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if n := len(d.sandbox.Requests(sandbox.Keys)); n != 2 { // metadata and keys
		t.Errorf("%d requests, want 2", n)
	}
}

func TestVerify_a_rotated_key_is_fetched_and_a_flood_is_not(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	old := "Bearer " + sandboxtest.Mint(t, d.sandbox, sandbox.Token{})
	if _, status := d.knock(t, old, d.teams()); status != http.StatusOK {
		t.Errorf("first key: status %d, want 200", status)
	}
	if err := d.sandbox.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	if _, status := d.verify(t, sandbox.Token{}, d.teams()); status != http.StatusOK {
		t.Errorf("new key: status %d, want 200", status)
	}
	if _, status := d.knock(t, old, d.teams()); status != http.StatusUnauthorized {
		t.Errorf("withdrawn key: status %d, want 401", status)
	}
	for range 50 {
		d.verify(t, sandbox.Token{Key: sandbox.KeyUnknown}, d.teams())
	}
	if n := len(d.sandbox.Requests(sandbox.Keys)); n != 4 {
		t.Errorf("%d requests, want 4: two fetches", n)
	}
}

func TestVerify_without_keys_nobody_is_judged(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.sandbox.Fault(sandbox.Keys, sandbox.Fault{Status: http.StatusInternalServerError})
	header := "Bearer " + sandboxtest.Mint(t, d.sandbox, sandbox.Token{})
	began := time.Now()
	_, err := d.verifier.Verify(t.Context(), header, d.teams())
	refusal, ok := errors.AsType[*web.Error](err)
	if !ok || refusal.Status != http.StatusServiceUnavailable || refusal.RetryAfter <= 0 {
		t.Errorf("error %#v, want a 503 that says when to come again", err)
	}
	for range 10 {
		d.knock(t, header, d.teams())
	}
	if n := len(d.sandbox.Requests(sandbox.Keys)); n < 1 || n > 1+int(time.Since(began)/(5*time.Second)) {
		t.Errorf("%d requests of an issuer that is down, want one in five seconds", n)
	}
	if log := d.log.String(); !strings.Contains(log, "signing keys not refreshed") || strings.Contains(log, header[7:]) {
		t.Errorf("log:\n%s", log)
	}
	// The other issuer is not concerned.
	d.sandbox.ClearFaults(sandbox.Keys)
	if _, status := d.verify(t, sandbox.Token{Kind: sandbox.ChannelCall}, d.teams()); status != http.StatusOK {
		t.Errorf("Teams: status %d, want 200", status)
	}
}

func TestVerify_logs_no_token(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	var tokens []string
	for _, token := range []sandbox.Token{{}, {Key: sandbox.KeyUnknown}, {Alg: "none"}, {Claims: claims("azp", foreign)}} {
		raw := sandboxtest.Mint(t, d.sandbox, token)
		tokens = append(tokens, raw)
		_, err := d.verifier.Verify(t.Context(), "Bearer "+raw, d.teams())
		_, _ = fmt.Fprintln(d.log, err)
	}
	for _, raw := range tokens {
		for part := range strings.SplitSeq(raw, ".") {
			if len(part) > 40 && strings.Contains(d.log.String(), part) {
				t.Errorf("part of a token in log or error:\n%s", d.log)
			}
		}
	}
}
