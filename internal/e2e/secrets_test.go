package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/tracing"
)

// configurations are the types that operators fill, and how many secrets each
// holds.
func configurations() map[int][]any {
	return map[int][]any{
		2 + 3 + 2: {&app.Config{
			Hubs:     map[string]app.HubConfig{"contoso": {}},
			Identity: auth.Identity{Connections: map[string]auth.Connection{"skill": {}}},
		}},
		4: {&contoso.Config{}},
		3: {&app.HubConfig{}},
		2: {&tracing.Config{}, &auth.Connection{}, &auth.Identity{Connections: map[string]auth.Connection{"skill": {}}}},
		1: {&contoso.SignIn{}},
	}
}

// TestSecretsDoNotShow prints every configuration in every way.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	for want, all := range configurations() {
		for _, config := range all {
			t.Run(fmt.Sprintf("%T", config), func(t *testing.T) {
				t.Parallel()
				c := newCanaries()
				value := c.secret("secret")
				if n := fill(reflect.ValueOf(config).Elem(), value); n != want {
					t.Errorf("%d secrets, want %d", n, want)
				}
				byValue := reflect.ValueOf(config).Elem().Interface()
				for _, v := range []any{config, byValue, []any{byValue}, map[string]any{"config": byValue}, struct{ Config any }{byValue}} {
					for how, text := range printed(t, v) {
						if len(c.in(text)) > 0 || !strings.Contains(text, "[redacted]") {
							t.Errorf("%s: %s", how, text)
						}
					}
				}
			})
		}
	}
}

// printed is what v looks like, by how it was printed.
func printed(t *testing.T, v any) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var logJSON, logText bytes.Buffer
	slog.New(slog.NewJSONHandler(&logJSON, nil)).InfoContext(t.Context(), "config", "config", v)
	slog.New(slog.NewTextHandler(&logText, nil)).InfoContext(t.Context(), "config", "config", v, slog.Group("group", "config", v))
	all["json.Marshal"], all["slog JSON"], all["slog text"] = string(encoded), logJSON.String(), logText.String()
	all["an error"] = fmt.Errorf("use %v", v).Error()
	return all
}

// fill sets every secret in v and returns how many there are.
func fill(v reflect.Value, value string) int {
	n := 0
	switch {
	case v.Type() == reflect.TypeFor[env.Secret]():
		v.SetString(value)
		return 1
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += fill(v.Field(i), value)
			}
		}
	case v.Kind() == reflect.Map:
		for _, key := range v.MapKeys() {
			entry := reflect.New(v.Type().Elem()).Elem()
			entry.Set(v.MapIndex(key))
			n += fill(entry, value)
			v.SetMapIndex(key, entry)
		}
	}
	return n
}

// TestSecretsAreSecrets: what is named like a secret has the type of one.
func TestSecretsAreSecrets(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`SECRET|PASSWORD|PASSPHRASE|API_KEY|BEARER|TOKEN|CREDENTIAL`)
	elsewhere := regexp.MustCompile(`_(FILE|HEADER|URL|ENDPOINT)$`) // where it is, how it is sent
	seen := 0
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
			if named.MatchString(name) && !elsewhere.MatchString(name) {
				seen++
				if f.Type != reflect.TypeFor[env.Secret]() {
					t.Errorf("%s.%s, %s, is a %s", typ, f.Name, name, f.Type)
				}
			}
			for f.Type.Kind() == reflect.Map || f.Type.Kind() == reflect.Slice {
				f.Type = f.Type.Elem()
			}
			if f.Type.Kind() == reflect.Struct {
				look(f.Type)
			}
		}
	}
	look(reflect.TypeFor[app.Config]())
	look(reflect.TypeFor[contoso.Config]())
	if seen < 8 {
		t.Errorf("only %d secrets are named", seen)
	}
}
