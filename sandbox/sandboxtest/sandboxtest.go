// Package sandboxtest runs a sandbox for a test.
package sandboxtest

import (
	"context"
	"net"
	"testing" //nolint:depguard // this package is for tests

	"github.com/liaison-skill/liaison/sandbox"
)

// Start runs a sandbox on a free port of loopback until the test ends. It fills
// in cfg.BaseURL.
func Start(tb testing.TB, cfg sandbox.Config) *sandbox.Sandbox {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listen: %v", err)
	}
	cfg.BaseURL = "http://" + ln.Addr().String()
	s, err := sandbox.New(cfg)
	if err != nil {
		_ = ln.Close()
		tb.Fatalf("make sandbox: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run sandbox: %v", err)
		}
	})
	return s
}

// Mint makes a token, or fails the test.
func Mint(tb testing.TB, s *sandbox.Sandbox, t sandbox.Token) string {
	tb.Helper()
	token, err := s.Mint(t)
	if err != nil {
		tb.Fatalf("mint token: %v", err)
	}
	return token
}
