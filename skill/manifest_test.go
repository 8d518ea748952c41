package skill_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/skill"
)

const appID = "bbbbbbbb-0000-4000-8000-000000000002"

func manifest(tb testing.TB) skill.Manifest {
	tb.Helper()
	m, err := skill.NewManifest("https://liaison.example.com/base/", appID, "1.2.3")
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func TestManifestHasNoFault(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	if faults := skill.CheckManifest(encode(t, m)); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
	if e := m.Endpoints[0]; e.EndpointURL != "https://liaison.example.com/base/api/messages" || e.MSAppID != appID || m.Version != "1.2.3" {
		t.Errorf("manifest is %+v", m)
	}
	for key, a := range m.Activities {
		if a.Type == "event" && a.Name != key {
			t.Errorf("action %s travels as %q", key, a.Name)
		}
	}
	if _, ok := m.Activities[skill.ActionStart].ResultValue.Properties["LiveChatConversationId"]; !ok {
		t.Error("startConversation does not give the live chat's id")
	}
}

func TestManifestRefusesABadURL(t *testing.T) {
	t.Parallel()
	if _, err := skill.NewManifest("https://host/%zz", appID, "1"); err == nil {
		t.Error("a URL that cannot be read was accepted")
	}
}

// TestManifestIsValid checks against the schemas Microsoft publishes.
func TestManifestIsValid(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.1", "2.2"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("..", "..", "shared", "data", "skill-manifest-"+version+".schema.json")
			text, err := os.Open(file)
			if err != nil {
				t.Skipf("the schema is not here: %v", err)
			}
			defer text.Close()
			doc, err := jsonschema.UnmarshalJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			const name = "https://schemas.example.com/manifest.json"
			compiler := jsonschema.NewCompiler()
			compiler.DefaultDraft(jsonschema.Draft7)
			compiler.AssertFormat()
			compiler.UseLoader(metaschemas{})
			if err := compiler.AddResource(name, doc); err != nil {
				t.Fatal(err)
			}
			schema, err := compiler.Compile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, valid := range []bool{true, false} {
				m := manifest(t)
				if !valid {
					m.Endpoints = nil
				}
				instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(encode(t, m))))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(instance); (err == nil) != valid {
					t.Errorf("valid: %t, validation says %v", valid, err)
				}
			}
		})
	}
}

// metaschemas refuses to load what would need a network.
type metaschemas struct{}

func (metaschemas) Load(url string) (any, error) {
	return map[string]any{"$id": url, "$schema": "http://json-schema.org/draft-07/schema#"}, nil
}

// TestCheckManifest has one row for each check of Copilot Studio that a manifest
// alone can fail.
func TestCheckManifest(t *testing.T) {
	t.Parallel()
	many := func(n int) *skill.Shape {
		s := &skill.Shape{Type: "object", Properties: map[string]skill.Property{}}
		for i := range n {
			s.Properties[fmt.Sprint("p", i)] = skill.Property{Type: "string"}
		}
		return s
	}
	action := func(key string, a skill.Action) func(*skill.Manifest) {
		return func(m *skill.Manifest) { m.Activities[key] = a }
	}
	event := skill.Action{Type: "event", Name: "x", Description: "d"}
	for name, tc := range map[string]struct {
		change func(*skill.Manifest)
		want   []string // code and field, in order
	}{
		"nothing":               {func(*skill.Manifest) {}, nil},
		"a long description":    {func(m *skill.Manifest) { m.Description = strings.Repeat("x", 500<<10) }, []string{"MANIFEST_TOO_LARGE manifest"}},
		"no required members":   {func(m *skill.Manifest) { m.Schema, m.ID, m.Name, m.Version, m.PublisherName = "", "", "", "", "" }, []string{"MANIFEST_MALFORMED $id", "MANIFEST_MALFORMED $schema", "MANIFEST_MALFORMED name", "MANIFEST_MALFORMED publisherName", "MANIFEST_MALFORMED version"}},
		"no endpoint":           {func(m *skill.Manifest) { m.Endpoints = nil }, []string{"MANIFEST_MALFORMED endpoints"}},
		"two endpoints":         {func(m *skill.Manifest) { m.Endpoints = append(m.Endpoints, m.Endpoints[0]) }, []string{"MANIFEST_MALFORMED endpoints"}},
		"a relative endpoint":   {func(m *skill.Manifest) { m.Endpoints[0].EndpointURL = "/api/messages" }, []string{"URL_MALFORMED endpoints.endpointUrl"}},
		"no endpoint's URL":     {func(m *skill.Manifest) { m.Endpoints[0].EndpointURL = "" }, []string{"URL_MALFORMED endpoints.endpointUrl"}},
		"plain http":            {func(m *skill.Manifest) { m.Endpoints[0].EndpointURL = "http://a.example/" }, []string{"URL_NOT_HTTPS endpoints.endpointUrl"}},
		"plain http, loopback":  {func(m *skill.Manifest) { m.Endpoints[0].EndpointURL = "http://localhost:5001/" }, nil},
		"no app id":             {func(m *skill.Manifest) { m.Endpoints[0].MSAppID = "" }, []string{"MANIFEST_MALFORMED endpoints.msAppId"}},
		"an app id of no GUID":  {func(m *skill.Manifest) { m.Endpoints[0].MSAppID = "28:" + appID }, []string{"MANIFEST_MALFORMED endpoints.msAppId"}},
		"a nameless endpoint":   {func(m *skill.Manifest) { m.Endpoints[0].Name = "" }, []string{"MANIFEST_MALFORMED endpoints.name"}},
		"no actions":            {func(m *skill.Manifest) { m.Activities = nil }, []string{"MANIFEST_MALFORMED activities"}},
		"another name than key": {action("y", event), []string{"MANIFEST_MALFORMED activities.y.name"}},
		"a message with a name": {action("x", skill.Action{Type: "message", Name: "x", Description: "d"}), []string{"MANIFEST_MALFORMED activities.x.name"}},
		"an invoke":             {action("x", skill.Action{Type: "invoke", Name: "x", Description: "d"}), []string{"MANIFEST_MALFORMED activities.x.type"}},
		"no description":        {action("x", skill.Action{Type: "event", Name: "x"}), []string{"MANIFEST_MALFORMED activities.x.description"}},
		"25 inputs, 25 outputs": {action("x", skill.Action{Type: "event", Name: "x", Description: "d", Value: many(25), ResultValue: many(25)}), nil},
		"26 inputs, 26 outputs": {action("x", skill.Action{Type: "event", Name: "x", Description: "d", Value: many(26), ResultValue: many(26)}), []string{"LIMITS_TOO_MANY_OUTPUTS activities.x.resultValue", "LIMITS_TOO_MANY_INPUTS activities.x.value"}},
		"a list as input": {action("x", skill.Action{Type: "event", Name: "x", Description: "d", Value: &skill.Shape{
			Type: "object", Properties: map[string]skill.Property{"p": {Type: "array"}},
		}}), []string{"MANIFEST_MALFORMED activities.x.value.p"}},
		"inputs that are a list": {action("x", skill.Action{Type: "event", Name: "x", Description: "d", Value: &skill.Shape{Type: "array"}}), []string{"MANIFEST_MALFORMED activities.x.value"}},
		"101 actions": {func(m *skill.Manifest) {
			for i := len(m.Activities); i < 101; i++ {
				key := fmt.Sprint("a", i)
				m.Activities[key] = skill.Action{Type: "event", Name: key, Description: "d"}
			}
		}, []string{"LIMITS_TOO_MANY_ACTIONS activities"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manifest(t)
			tc.change(&m)
			var got []string
			for _, f := range skill.CheckManifest(encode(t, m)) {
				got = append(got, f.Code+" "+f.Field)
				if f.Text == "" || !strings.Contains(f.String(), f.Field) {
					t.Errorf("fault %+v reads %q", f, f)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("faults are %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCheckManifestWantsStrictJSON(t *testing.T) {
	t.Parallel()
	good := string(encode(t, manifest(t)))
	for name, body := range map[string]string{
		"nothing":          "",
		"a trailing comma": strings.TrimSuffix(good, "}") + ",}",
		"a comment":        "// x\n" + good,
		"a brace too many": good + "}",
		"two manifests":    good + good,
		"a text behind":    good + " x",
		"unknown member":   strings.TrimSuffix(good, "}") + `,"msaAppId":"x"}`,
		"half of it":       good[:len(good)/2],
	} {
		faults := skill.CheckManifest([]byte(body))
		if len(faults) != 1 || faults[0].Code != "MANIFEST_MALFORMED" || faults[0].Field != "manifest" {
			t.Errorf("%s: faults are %v", name, faults)
		}
	}
	if faults := skill.CheckManifest([]byte(good + "\r\n ")); len(faults) > 0 {
		t.Errorf("white space at the end: %v", faults)
	}
}

func TestManifestIsServedToAnyone(t *testing.T) {
	t.Parallel()
	r := web.NewEngine(slog.New(slog.DiscardHandler))
	if err := skill.MountManifest(r, manifest(t)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/skill-manifest.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("status %d of %s, %v", resp.StatusCode, resp.Header.Get("Content-Type"), err)
	}
	if faults := skill.CheckManifest(body); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
}
