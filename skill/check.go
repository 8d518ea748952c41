package skill

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// What Copilot Studio allows a skill
// (https://learn.microsoft.com/microsoft-copilot-studio/configuration-add-skills).
const (
	maxManifest = 500 << 10 // bytes
	maxActions  = 100
	maxInputs   = 25
	maxOutputs  = 25
)

var appIDForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$`)

// A Fault is why Copilot Studio would not take a manifest: its own error code,
// the member at fault and what to do.
type Fault struct {
	Code  string
	Field string
	Text  string
}

// String returns the fault in one line.
func (f Fault) String() string { return f.Code + ": " + f.Field + ": " + f.Text }

// CheckManifest returns every fault of a manifest's JSON, none if Copilot Studio
// would take it.
func CheckManifest(body []byte) []Fault {
	var faults []Fault
	add := func(code, field, format string, args ...any) {
		faults = append(faults, Fault{code, field, fmt.Sprintf(format, args...)})
	}
	if len(body) > maxManifest {
		add("MANIFEST_TOO_LARGE", "manifest", "has %d bytes, at most %d are allowed", len(body), maxManifest)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		add("MANIFEST_MALFORMED", "manifest", "is not the JSON of a skill manifest: %v", err)
		return faults
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		add("MANIFEST_MALFORMED", "manifest", "something follows the JSON object")
	}
	for field, value := range map[string]string{
		"$schema": m.Schema, "$id": m.ID, "name": m.Name, "version": m.Version, "publisherName": m.PublisherName,
	} {
		if value == "" {
			add("MANIFEST_MALFORMED", field, "is required")
		}
	}
	if len(m.Endpoints) != 1 {
		add("MANIFEST_MALFORMED", "endpoints", "has %d entries, exactly one is allowed", len(m.Endpoints))
	}
	for _, e := range m.Endpoints {
		faults = append(faults, checkEndpoint(e)...)
	}
	if len(m.Activities) == 0 {
		add("MANIFEST_MALFORMED", "activities", "is required: a skill without actions cannot be called")
	}
	if len(m.Activities) > maxActions {
		add("LIMITS_TOO_MANY_ACTIONS", "activities", "has %d actions, at most %d are allowed", len(m.Activities), maxActions)
	}
	for key, a := range m.Activities {
		faults = append(faults, checkAction(key, a)...)
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Field+a.Code, b.Field+b.Code) })
	return faults
}

func checkEndpoint(e Endpoint) []Fault {
	var faults []Fault
	u, err := url.Parse(e.EndpointURL)
	switch {
	case err != nil || u.Host == "":
		faults = append(faults, Fault{"URL_MALFORMED", "endpoints.endpointUrl", "is not an absolute URL"})
	case u.Scheme != "https" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1":
		faults = append(faults, Fault{"URL_NOT_HTTPS", "endpoints.endpointUrl", "must begin with https://"})
	}
	if !appIDForm.MatchString(e.MSAppID) {
		faults = append(faults, Fault{"MANIFEST_MALFORMED", "endpoints.msAppId", "is not an application id (a GUID)"})
	}
	if e.Name == "" {
		faults = append(faults, Fault{"MANIFEST_MALFORMED", "endpoints.name", "is required"})
	}
	return faults
}

func checkAction(key string, a Action) []Fault {
	var faults []Fault
	add := func(code, member, format string, args ...any) {
		faults = append(faults, Fault{code, "activities." + key + member, fmt.Sprintf(format, args...)})
	}
	switch a.Type {
	case "event":
		if a.Name != key {
			add("MANIFEST_MALFORMED", ".name", "must equal its key: it is not published which of the two is sent")
		}
	case "message":
		if a.Name != "" {
			add("MANIFEST_MALFORMED", ".name", "is not allowed for a message")
		}
	default:
		add("MANIFEST_MALFORMED", ".type", "must be event or message, not %q", a.Type)
	}
	if a.Description == "" {
		add("MANIFEST_MALFORMED", ".description", "is required")
	}
	check := func(member, code string, limit int, s *Shape) {
		if s == nil {
			return
		}
		if s.Type != "object" {
			add("MANIFEST_MALFORMED", member, "must be of type object, not %q", s.Type)
		}
		if len(s.Properties) > limit {
			add(code, member, "has %d members, at most %d are allowed", len(s.Properties), limit)
		}
		for name, p := range s.Properties {
			if !slices.Contains([]string{"string", "boolean", "integer", "number", "object"}, p.Type) {
				add("MANIFEST_MALFORMED", member+"."+name, "must not be of type %q", p.Type)
			}
		}
	}
	check(".value", "LIMITS_TOO_MANY_INPUTS", maxInputs, a.Value)
	check(".resultValue", "LIMITS_TOO_MANY_OUTPUTS", maxOutputs, a.ResultValue)
	return faults
}
