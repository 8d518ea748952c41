package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/app"
)

// terminal returns a console, and what was written to it.
func terminal() (console, *bytes.Buffer) {
	var out bytes.Buffer
	return console{out: &out, err: &out}, &out
}

func TestVersion(t *testing.T) {
	t.Parallel()
	c, out := terminal()
	if err := (versionCmd{}).Run(c); err != nil || out.String() != "liaison "+version+"\n" {
		t.Errorf("printed %q, %v", out, err)
	}
}

// TestManifest: what one command prints, the other finds fine.
func TestManifest(t *testing.T) {
	t.Setenv("LIAISON_PUBLIC_URL", "https://liaison.example.com")
	t.Setenv("LIAISON_SKILL_APP_ID", "bbbbbbbb-0000-4000-8000-000000000002")
	c, out := terminal()
	if err := (manifestCmd{}).Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"https://liaison.example.com/api/messages"`, `"bbbbbbbb-0000-4000-8000-000000000002"`, version} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the manifest lacks %s:\n%s", want, out)
		}
	}
	if got, err := check(t, out.String()); err != nil || got != "the manifest is fine\n" {
		t.Errorf("checking it printed %q, %v", got, err)
	}
}

func TestManifestNeedsAConfiguration(t *testing.T) {
	t.Setenv("LIAISON_PUBLIC_URL", "http://liaison.example.com")
	c, out := terminal()
	if err := (manifestCmd{}).Run(t.Context(), c); err == nil || out.Len() > 0 {
		t.Errorf("printed %q, %v", out, err)
	}
}

// check has a manifest checked and returns what was printed.
func check(tb testing.TB, manifest string) (string, error) {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "manifest.json")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		tb.Fatal(err)
	}
	c, out := terminal()
	err := manifestCmd{Check: file}.Run(tb.Context(), c)
	return out.String(), err
}

func TestManifestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ manifest, printed, err string }{
		"no JSON": {"hello", "MANIFEST_MALFORMED: manifest: ", "1 fault"},
		"a fault for each line": {
			`{"endpoints":[{"name":"default","endpointUrl":"http://liaison.example.com","msAppId":"x"}]}`,
			"URL_NOT_HTTPS: endpoints.endpointUrl: ", "8 faults",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printed, err := check(t, tc.manifest)
			if err == nil || err.Error() != tc.err || !strings.Contains("\n"+printed, "\n"+tc.printed) {
				t.Fatalf("printed %q, %v; want %q, %s", printed, err, tc.printed, tc.err)
			}
			if lines := strings.Count(printed, "\n"); !strings.HasPrefix(tc.err, string(rune('0'+lines))+" ") {
				t.Errorf("%d lines for %s", lines, tc.err)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		c, out := terminal()
		if err := (manifestCmd{Check: filepath.Join(t.TempDir(), "none")}).Run(t.Context(), c); !os.IsNotExist(err) || out.Len() > 0 {
			t.Errorf("printed %q, %v", out, err)
		}
	})
}

func TestDatabaseIsDemanded(t *testing.T) {
	t.Parallel()
	_, err := openDatabase(t.Context(), app.Config{}, true)
	if err == nil || !strings.HasPrefix(err.Error(), "DATABASE_URL is not set") {
		t.Errorf("got %v", err)
	}
}

func TestConnectTellsNoPassword(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, url := range []string{
		"postgres://user:canary@%zz/db", "postgres://user:canary@127.0.0.1:1/db", "host=127.0.0.1 port=none password=canary",
	} {
		pool, err := connect(ended, url)
		if err == nil {
			pool.Close()
			t.Errorf("%s: connected", url)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("error tells the password: %v", err)
		}
	}
}

func TestListenNamesWhatToChange(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ln, err := listen(t.Context(), "LIAISON_LISTEN", taken.Addr().String())
	if err == nil {
		_ = ln.Close()
		t.Fatal("one port, two listeners")
	}
	if !strings.HasPrefix(err.Error(), "LIAISON_LISTEN: ") {
		t.Errorf("got %v", err)
	}
}

func TestServeHelpHoldsTheSettings(t *testing.T) {
	t.Parallel()
	help := serveCmd{}.Help()
	for _, want := range []string{"DATABASE_URL", "LIAISON_LISTEN", "LIAISON_HUB_<NAME>_URL", "LIAISON_CONNECTION_<NAME>_CLIENT_ID"} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %s", want)
		}
	}
}

func TestDemoIsReachedOnThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:5000": "http://127.0.0.1:5000", "0.0.0.0:5000": "http://localhost:5000", "[::]:5000": "http://localhost:5000",
	} {
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := baseURL(addr); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
