package teamsapp_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/teamsapp"
)

const botID = "bbbbbbbb-0000-4000-8000-000000000002"

func manifest(tb testing.TB) teamsapp.Manifest {
	tb.Helper()
	m, err := teamsapp.New("https://liaison.example.com/", botID, "1.2.3", teamsapp.Command{
		ID: "talkToPerson", Type: "query", Title: "Talk to a person", Description: "Offers a person", InitialRun: true,
		Parameters: []teamsapp.Parameter{{Name: "reason", Title: "Reason", Description: "Why", InputType: "text"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func build(tb testing.TB, m teamsapp.Manifest) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := teamsapp.Build(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestBuild_makes_the_same_good_package_again(t *testing.T) {
	t.Parallel()
	first, second := build(t, manifest(t)), build(t, manifest(t))
	if !bytes.Equal(first, second) {
		t.Error("two builds differ")
	}
	if faults := teamsapp.Check(first); len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
	var m teamsapp.Manifest
	if err := json.Unmarshal(unzip(t, first)["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"liaison.example.com"}, m.ValidDomains); diff != "" || m.Bots[0].BotID != m.ComposeExtensions[0].BotID {
		t.Errorf("the manifest: %+v", m)
	}
}

func TestCheck_says_what_is_wrong_with_a_manifest(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*teamsapp.Manifest){
		"version: expected three numbers like 1.0.0":                  func(m *teamsapp.Manifest) { m.Version = "dev" },
		"id: is not a GUID":                                           func(m *teamsapp.Manifest) { m.ID = "x" },
		"name.short: has 31 characters, at most 30 are allowed":       func(m *teamsapp.Manifest) { m.Name.Short = strings.Repeat("ü", 31) },
		"description.full: is required":                               func(m *teamsapp.Manifest) { m.Description.Full = "" },
		"developer.privacyUrl: must begin with https://":              func(m *teamsapp.Manifest) { m.Developer.PrivacyURL = "http://x" },
		`validDomains: "https://x" is not a host's name`:              func(m *teamsapp.Manifest) { m.ValidDomains = []string{"https://x"} },
		"bots: has 0 entries":                                         func(m *teamsapp.Manifest) { m.Bots = nil },
		"bots.scopes: must hold personal":                             func(m *teamsapp.Manifest) { m.Bots[0].Scopes = []string{"team"} },
		"composeExtensions.botId: must be the bot's":                  func(m *teamsapp.Manifest) { m.ComposeExtensions[0].BotID = "x" },
		"composeExtensions.commands: has 0 entries":                   func(m *teamsapp.Manifest) { m.ComposeExtensions[0].Commands = nil },
		"composeExtensions.commands.talkToPerson.type: must be query": func(m *teamsapp.Manifest) { m.ComposeExtensions[0].Commands[0].Type = "action" },
		"composeExtensions.commands.talkToPerson.parameters: has 0":   func(m *teamsapp.Manifest) { m.ComposeExtensions[0].Commands[0].Parameters = nil },
		`icons.outline: the package has no file "none.png"`:           func(m *teamsapp.Manifest) { m.Icons.Outline = "none.png" },
		"icons.color: is 32×32 pixels, must be 192×192":               func(m *teamsapp.Manifest) { m.Icons.Color = "outline.png" },
		"icons.outline: has no transparent pixel":                     func(m *teamsapp.Manifest) { m.Icons.Outline = "color.png" },
		"icons.color: is not a PNG":                                   func(m *teamsapp.Manifest) { m.Icons.Color = "manifest.json" },
	} {
		m := manifest(t)
		change(&m)
		if got := strings.Join(teamsapp.Check(build(t, m)), "\n"); !strings.Contains("\n"+got, "\n"+want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCheck_takes_no_other_files_for_a_package(t *testing.T) {
	t.Parallel()
	var empty bytes.Buffer
	if err := zip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	for want, content := range map[string][]byte{
		"package: is not a ZIP file": []byte("hello"), "manifest.json: is missing; it must be at the package's root": empty.Bytes(),
	} {
		if diff := cmp.Diff([]string{want}, teamsapp.Check(content)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestIcons_have_something_on_them(t *testing.T) {
	t.Parallel()
	files := unzip(t, build(t, manifest(t)))
	for name, size := range map[string]int{"color.png": 192, "outline.png": 32} {
		img, err := png.Decode(bytes.NewReader(files[name]))
		if err != nil || img.Bounds() != image.Rect(0, 0, size, size) {
			t.Fatalf("%s: %v, %v", name, img.Bounds(), err)
		}
		if img.At(0, 0) == img.At(size/2, size/3) {
			t.Errorf("%s is empty", name)
		}
	}
}

func unzip(tb testing.TB, content []byte) map[string][]byte {
	tb.Helper()
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		tb.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		_ = r.Close()
		files[f.Name] = body
	}
	return files
}
