package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

const (
	mintTimeout = 10 * time.Second
	maxInput    = 64 << 10
	maxShown    = 200 // characters of what a token says
)

type tokenCmd struct {
	Mint    mintCmd    `cmd:"" help:"Print a token of the sandbox, as the copilot or the channel would bring it."`
	Inspect inspectCmd `cmd:"" help:"Say by which rules the service, as configured in the environment, takes or refuses a token."`
}

type mintCmd struct {
	Sandbox  string `default:"http://127.0.0.1:5002" placeholder:"URL" help:"Where the sandbox is: ${default}, as liaison demo has it."`
	As       string `default:"copilot" enum:"copilot,copilot-v1,channel" help:"Who calls: copilot, copilot-v1 (the older form of token) or channel (Teams)."`
	Audience string `placeholder:"APP" help:"Which app is called; the sandbox's skill by default."`
}

// Run implements the command.
func (m mintCmd) Run(ctx context.Context, c console) error {
	var answer struct {
		Token string `json:"access_token"`
	}
	err := jsonhttp.Do(ctx, jsonhttp.NewClient(mintTimeout, http.DefaultTransport), jsonhttp.Request{
		URL: strings.TrimRight(m.Sandbox, "/") + "/api/tokens",
		In:  map[string]string{"as": m.As, "audience": m.Audience},
		Out: &answer,
	})
	if err == nil && answer.Token == "" {
		err = errors.New("the answer holds no token")
	}
	if err != nil {
		return fmt.Errorf("ask the sandbox at %s for a token: %w; does liaison demo run?", m.Sandbox, err)
	}
	_, err = fmt.Fprintln(c.out, answer.Token)
	return err
}

type inspectCmd struct {
	Token      string `arg:"" optional:"" default:"-" help:"The token; - reads standard input, which keeps it out of the shell's history."`
	ServiceURL string `placeholder:"URL" help:"Service URL of the activity it came with; the token's own by default."`
	Channel    string `default:"msteams" help:"Channel of the activity it came with."`
	Offline    bool   `help:"Fetch no keys: leave the signature unchecked."`
}

// Run implements the command.
func (i inspectCmd) Run(ctx context.Context, c console) error {
	return i.inspect(ctx, c, os.Environ())
}

// inspect prints a line for each rule. Its error says how many were not passed.
func (i inspectCmd) inspect(ctx context.Context, c console, environ []string) error {
	cfg, err := app.Load(ctx, environ)
	if err != nil {
		return err
	}
	verifier, err := auth.NewVerifier(cfg.Auth, http.DefaultTransport, app.NewLogger(cfg, c.err))
	if err != nil {
		return err
	}
	token := i.Token
	if token == "-" {
		input, err := io.ReadAll(io.LimitReader(c.in, maxInput))
		if err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		token = string(input)
	}
	token = strings.TrimPrefix(strings.TrimSpace(token), "Bearer ")
	a := activity.Activity{ChannelID: i.Channel, ServiceURL: i.ServiceURL}
	refused := 0
	for _, f := range verifier.Inspect(ctx, token, a, i.Offline) {
		fmt.Fprintln(c.out, line(f))
		if f.Verdict == auth.Broken || f.Verdict == auth.Unchecked && !i.Offline {
			refused++
		}
	}
	if refused > 0 {
		return fmt.Errorf("the service would refuse this token: %d not ok", refused)
	}
	return nil
}

// line writes a finding: verdict, rule, what the token has, what would pass.
func line(f auth.Finding) string {
	mark := map[auth.Verdict]string{auth.Passed: "ok  ", auth.Broken: "FAIL", auth.Unchecked: "?   "}[f.Verdict]
	text := fmt.Sprintf("%s %s — got %s — want %s", mark, f.Rule, shown(f.Got), shown(f.Want))
	if f.Why != "" {
		text += " (" + shown(f.Why) + ")"
	}
	return text
}

// shown returns what a stranger wrote, fit for a terminal.
func shown(text string) string {
	plain := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, text))
	if len(plain) > maxShown {
		return string(plain[:maxShown]) + "…"
	}
	return string(plain)
}
