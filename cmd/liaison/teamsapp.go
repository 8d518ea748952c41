package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/teamsapp"
)

// appFileMode is of a file that is going to be uploaded.
const appFileMode = 0o644

type teamsAppCmd struct {
	Build buildAppCmd `cmd:"" help:"Make the package for our own bot and its message extension, from the configuration."`
	Check checkAppCmd `cmd:"" help:"Say what is wrong with a package."`
}

type buildAppCmd struct {
	Out     string `required:"" placeholder:"FILE" help:"The ZIP file to write."`
	Version string `placeholder:"N.N.N" help:"The app's version; the service's by default."`
	Privacy string `placeholder:"URL" help:"Your privacy statement; /privacy of the service by default."`
	Terms   string `placeholder:"URL" help:"Your terms of use; /terms of the service by default."`
}

// release finds the three numbers of a version that Teams takes.
var release = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)

// Run implements the command.
func (b buildAppCmd) Run(ctx context.Context, c console) error {
	cfg, err := app.Load(ctx, os.Environ())
	if err != nil {
		return err
	}
	m, err := app.TeamsApp(cfg, cmp.Or(b.Version, release.FindString(version), "1.0.0"))
	if err != nil {
		return err
	}
	m.Developer.PrivacyURL = cmp.Or(b.Privacy, m.Developer.PrivacyURL)
	m.Developer.TermsOfUseURL = cmp.Or(b.Terms, m.Developer.TermsOfUseURL)
	var content bytes.Buffer
	if err := teamsapp.Build(&content, m); err != nil {
		return err
	}
	if err := os.WriteFile(b.Out, content.Bytes(), appFileMode); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	for _, fault := range teamsapp.Check(content.Bytes()) {
		fmt.Fprintln(c.err, fault)
	}
	return nil
}

type checkAppCmd struct {
	File string `arg:"" help:"The ZIP file."`
}

// Run implements the command.
func (k checkAppCmd) Run(c console) error {
	content, err := os.ReadFile(k.File)
	if err != nil {
		return fmt.Errorf("read package: %w", err)
	}
	faults := teamsapp.Check(content)
	for _, f := range faults {
		fmt.Fprintln(c.out, f)
	}
	if len(faults) > 0 {
		return errors.New("this package would be refused by Teams")
	}
	_, err = fmt.Fprintln(c.out, "the package is fine")
	return err
}
