// Package sandboxtest runs a sandbox for a test.
package sandboxtest

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

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

// patience bounds what a test waits for.
const patience = time.Minute

// Say writes texts into a user's chat, one turn after the other. It fails the
// test when the copilot had to apologise.
func Say(tb testing.TB, u sandbox.User, texts ...string) {
	tb.Helper()
	for _, text := range texts {
		ctx, cancel := context.WithTimeout(tb.Context(), patience)
		err := u.Say(ctx, text)
		cancel()
		if err != nil {
			tb.Fatalf("%v", err)
		}
	}
}

// Send writes a message into a user's chat and returns the id of its line. It
// fails the test when the copilot had to apologise.
func Send(tb testing.TB, u sandbox.User, m sandbox.Message) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	id, err := u.Send(ctx, m)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return id
}

// Press presses the button of a title on a line, with the inputs of its card by
// their ids. It fails the test when the copilot had to apologise.
func Press(tb testing.TB, u sandbox.User, line, title string, inputs map[string]string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := u.Press(ctx, line, title, inputs); err != nil {
		tb.Fatalf("%v", err)
	}
}

// WaitLine blocks until a line by author that contains text is in the chat, and
// returns it.
func WaitLine(tb testing.TB, u sandbox.User, author sandbox.Author, text string) sandbox.Line {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var found sandbox.Line
	err := u.Wait(ctx, func(lines []sandbox.Line) bool {
		i := slices.IndexFunc(lines, func(l sandbox.Line) bool { return l.Author == author && strings.Contains(l.Text, text) })
		if i >= 0 {
			found = lines[i]
		}
		return i >= 0
	})
	if err != nil {
		tb.Fatalf("line with %q: %v", text, err)
	}
	return found
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
