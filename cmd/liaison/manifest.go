package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/skill"
)

type manifestCmd struct {
	Check string `placeholder:"FILE" help:"Check a manifest as Copilot Studio does, instead of printing ours. - reads standard input."`
}

// Run implements the command.
func (m manifestCmd) Run(ctx context.Context, c console) error {
	if m.Check != "" {
		return m.check(c)
	}
	cfg, err := app.Load(ctx, os.Environ())
	if err != nil {
		return err
	}
	manifest, err := app.Manifest(cfg, version)
	if err != nil {
		return err
	}
	if len(cfg.Auth.SkillAppID) == 0 {
		fmt.Fprintln(c.err, "LIAISON_SKILL_APP_ID is empty, and so is msAppId: Copilot Studio would not take this manifest")
	}
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	return enc.Encode(manifest)
}

func (m manifestCmd) check(c console) error {
	file := os.Stdin
	if m.Check != "-" {
		var err error
		if file, err = os.Open(m.Check); err != nil {
			return err
		}
		defer file.Close()
	}
	body, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	faults := skill.CheckManifest(body)
	for _, f := range faults {
		fmt.Fprintln(c.out, f)
	}
	switch n := len(faults); n {
	case 0:
	case 1:
		return errors.New("1 fault")
	default:
		return fmt.Errorf("%d faults", n)
	}
	_, err = fmt.Fprintln(c.out, "the manifest is fine")
	return err
}
