package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNotInstalled means that no PostgreSQL server was found on this machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed")

// binaries is one installed PostgreSQL.
type binaries struct {
	dir     string
	version string // "15.18"
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// major is what a data directory's PG_VERSION holds.
func (b binaries) major() string {
	major, _, _ := strings.Cut(b.version, ".")
	return major
}

// binaryFolders are where distributions keep the server's programs, which are
// often not on the PATH.
func binaryFolders() []string {
	folders := []string{
		"/usr/lib/postgresql/*/bin",            // Debian, Ubuntu
		"/usr/pgsql-*/bin",                     // PostgreSQL's own RPMs
		"/usr/libexec/postgresql*",             // Alpine
		"/opt/homebrew/opt/postgresql@*/bin",   // macOS, Apple silicon
		"/usr/local/opt/postgresql@*/bin",      // macOS, Intel
		"/usr/local/bin",                       // the BSDs, from source
		"/Library/PostgreSQL/*/bin",            // macOS, EDB's installer
		"/Applications/Postgres.app/*/*/*/bin", // macOS, Postgres.app
	}
	var found []string
	if onPath, err := exec.LookPath("initdb"); err == nil {
		if resolved, err := filepath.EvalSymlinks(onPath); err == nil {
			onPath = resolved
		}
		found = append(found, filepath.Dir(onPath))
	}
	for _, pattern := range folders {
		matches, _ := filepath.Glob(pattern + "/initdb")
		for _, m := range matches {
			found = append(found, filepath.Dir(m))
		}
	}
	return found
}

// installed returns every PostgreSQL found, the newest first.
func installed(ctx context.Context) []binaries {
	var all []binaries
	for _, dir := range binaryFolders() {
		version, err := versionOf(ctx, filepath.Join(dir, "postgres"))
		known := slices.ContainsFunc(all, func(b binaries) bool { return b.dir == dir })
		if err == nil && !known {
			all = append(all, binaries{dir: dir, version: version})
		}
	}
	slices.SortStableFunc(all, func(a, b binaries) int {
		x, _ := strconv.Atoi(a.major())
		y, _ := strconv.Atoi(b.major())
		return cmp.Compare(y, x)
	})
	return all
}

var versionForm = regexp.MustCompile(`\(PostgreSQL\) ([0-9]+[0-9.]*)`)

func versionOf(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask for the version: %w", err)
	}
	match := versionForm.FindSubmatch(out)
	if match == nil {
		return "", fmt.Errorf("%s does not tell its version", program)
	}
	return string(match[1]), nil
}

// Installed returns the version of the PostgreSQL that a new folder would get,
// or [ErrNotInstalled].
func Installed(ctx context.Context) (string, error) {
	all := installed(ctx)
	if len(all) == 0 {
		return "", ErrNotInstalled
	}
	return all[0].version, nil
}

// choose returns the newest installed PostgreSQL, or for existing data the one
// that can read them: a cluster belongs to one major version.
func choose(all []binaries, major string) (binaries, error) {
	if len(all) == 0 {
		return binaries{}, ErrNotInstalled
	}
	if major == "" {
		return all[0], nil
	}
	for _, b := range all {
		if b.major() == major {
			return b, nil
		}
	}
	return binaries{}, fmt.Errorf("data were written by PostgreSQL %s, installed is %s: install version %s, or move the data with pg_dump",
		major, all[0].version, major)
}
