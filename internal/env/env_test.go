package env_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/liaison-skill/liaison/internal/env"
)

type config struct {
	Listen   string       `env:"LISTEN, default=127.0.0.1:5001" help:"the service's address"`
	Metrics  string       `env:"METRICS_LISTEN, default=127.0.0.1:9464" help:"empty turns it off"`
	Idle     env.Duration `env:"IDLE, default=30m" help:"closed after it"`
	MaxBody  env.Bytes    `env:"MAX_BODY, default=1MiB" help:"limit of a body"`
	AppIDs   []string     `env:"SKILL_APP_ID" help:"ours, comma list"`
	Workers  int          `env:"WORKERS, default=8"`
	Delivery delivery     `env:", prefix=DELIVERY_"`
}

type delivery struct {
	Lease  env.Duration `env:"LEASE, default=30s" help:"how long a lane is owned"`
	Secret env.Secret   `env:"SECRET" help:"signs"`
}

type hub struct {
	URL     string       `env:"URL, required" help:"base URL"`
	Secrets []env.Secret `env:"WEBHOOK_SECRET" help:"comma list while rotating"`
}

func process(t *testing.T, vars map[string]string, target any) error {
	t.Helper()
	return env.Process(t.Context(), envconfig.MapLookuper(vars), "LIAISON_", target)
}

func TestProcess_defaults(t *testing.T) {
	t.Parallel()
	var got config
	if err := process(t, nil, &got); err != nil {
		t.Fatal(err)
	}
	want := config{
		Listen: "127.0.0.1:5001", Metrics: "127.0.0.1:9464", Idle: env.Duration(30 * time.Minute), MaxBody: 1 << 20,
		Workers: 8, Delivery: delivery{Lease: env.Duration(30 * time.Second)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProcess_values(t *testing.T) {
	t.Parallel()
	var got config
	err := process(t, map[string]string{
		"LIAISON_LISTEN": ":1", "LIAISON_METRICS_LISTEN": "", "LIAISON_IDLE": "30d", "LIAISON_MAX_BODY": "",
		"LIAISON_SKILL_APP_ID": "one, two", "LIAISON_DELIVERY_LEASE": "1d12h", "LIAISON_DELIVERY_SECRET": "s",
	}, &got)
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		Listen: ":1", Idle: env.Duration(720 * time.Hour), MaxBody: 1 << 20, AppIDs: []string{"one", "two"},
		Workers: 8, Delivery: delivery{Lease: env.Duration(36 * time.Hour), Secret: "s"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProcess_reports_all_problems_by_name(t *testing.T) {
	t.Parallel()
	var c struct {
		config
		Public config `env:", prefix=PUBLIC_"`
		Hub    hub    `env:", prefix=HUB_CONTOSO_"`
	}
	err := process(t, map[string]string{
		"LIAISON_PUBLIC_IDLE": "soon", "LIAISON_PUBLIC_MAX_BODY": "much", "LIAISON_PUBLIC_WORKERS": "x",
		"LIAISON_PUBLIC_DELIVERY_LEASE": "-1s",
	}, &c)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`LIAISON_PUBLIC_IDLE: "soon" is not a duration`, `LIAISON_PUBLIC_MAX_BODY: "much" is not a size`,
		`LIAISON_PUBLIC_WORKERS: strconv.ParseInt`, `LIAISON_PUBLIC_DELIVERY_LEASE: "-1s" is not a duration`,
		"LIAISON_HUB_CONTOSO_URL: required, and not set",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 5 {
		t.Errorf("%d problems, want 5:\n%v", lines, err)
	}
}

func TestProcess_target_must_be_a_struct(t *testing.T) {
	t.Parallel()
	if err := process(t, nil, config{}); err == nil {
		t.Error("accepted a struct that cannot be filled")
	}
}

func TestProcess_secret_from_a_file(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const name = "LIAISON_DELIVERY_SECRET"
	for title, test := range map[string]struct {
		vars      map[string]string
		want      env.Secret
		wantError string
	}{
		"one newline is trimmed":   {vars: map[string]string{name + "_FILE": file("a", "p w\n")}, want: "p w"},
		"only one":                 {vars: map[string]string{name + "_FILE": file("b", "pw\n\n")}, want: "pw\n"},
		"of either kind":           {vars: map[string]string{name + "_FILE": file("c", "pw\r\n")}, want: "pw"},
		"both set":                 {vars: map[string]string{name + "_FILE": file("d", "pw"), name: "hunter2"}, wantError: "set as well as"},
		"an empty value is no one": {vars: map[string]string{name + "_FILE": file("e", "pw"), name: ""}, want: "pw"},
		"an empty path is no file": {vars: map[string]string{name + "_FILE": "", name: "pw"}, want: "pw"},
		"no file":                  {vars: map[string]string{name + "_FILE": filepath.Join(dir, "none")}, wantError: "no such file"},
		"empty file":               {vars: map[string]string{name + "_FILE": file("f", "\n")}, wantError: "it is empty"},
		"huge file":                {vars: map[string]string{name + "_FILE": file("g", strings.Repeat("x", 65<<10))}, wantError: "larger than"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var got config
			err := process(t, test.vars, &got)
			if test.wantError != "" {
				if err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), test.wantError) {
					t.Errorf("error %v, want %s", err, test.wantError)
				}
				if err != nil && strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error repeats the secret: %v", err)
				}
				return
			}
			if err != nil || got.Delivery.Secret != test.want {
				t.Errorf("got %q, %v", got.Delivery.Secret.Reveal(), err)
			}
		})
	}
}

func TestProcess_list_of_secrets(t *testing.T) {
	t.Parallel()
	var got hub
	if err := process(t, map[string]string{"LIAISON_URL": "u", "LIAISON_WEBHOOK_SECRET": "new,old"}, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]env.Secret{"new", "old"}, got.Secrets); diff != "" {
		t.Error("secrets differ")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]env.Secret{"new", "old"}, env.List(" new,, old ,")); diff != "" {
		t.Error("secrets differ")
	}
	if got := env.List(""); got != nil {
		t.Errorf("an empty list has %d parts", len(got))
	}
}

func TestSecret_never_shows(t *testing.T) {
	t.Parallel()
	s := env.Secret("hunter2")
	holder := struct {
		S env.Secret
		P *env.Secret
		L []env.Secret
		M map[string]env.Secret
	}{s, &s, []env.Secret{s}, map[string]env.Secret{"k": s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		_, _ = fmt.Fprintf(&out, verb+" "+verb+"\n", s, holder)
	}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).InfoContext(t.Context(), "config", "secret", s, "holder", holder)
	}
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "68756e74657232") {
		t.Errorf("the secret shows:\n%s", out.String())
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not return the value")
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "0": 0, "0d": 0, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute,
	} {
		var d env.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%q = %v, %v, want %v", text, d, err, want)
		}
	}
	for _, text := range []string{"", "d", "30", "30D", "-1h", "1d-1h", "1.5d", "999999d", "12 h"} {
		var d env.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q = %v, want an error", text, d)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]env.Bytes{
		"0": 0, "512": 512, "512B": 512, "64KiB": 64 << 10, "1MiB": 1 << 20, "20MB": 20e6, "3GiB": 3 << 30, "1KB": 1000, "2GB": 2e9,
	} {
		var b env.Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q = %v, %v, want %v", text, b, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "1 MiB", "1mib", "-1", "1.5MiB", "9223372036854775807KB", "1MiBB", "1iB"} {
		var b env.Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q = %v, want an error", text, b)
		}
	}
}
