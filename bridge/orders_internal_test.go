package bridge

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The orders of testdata are as the first release stored them, one of each kind.
// They stay as they are: a release may find them in the outbox of the one before.
func golden(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/orders/*.json")
	if err != nil || len(paths) != 10 {
		t.Fatalf("%d golden orders (%v), want 10", len(paths), err)
	}
	orders := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		orders[strings.TrimSuffix(filepath.Base(path), ".json")] = text
	}
	return orders
}

// orderFor returns a pointer to an empty order of the kind a file is named for.
func orderFor(t *testing.T, name string, hub, teams, copilot any) any {
	t.Helper()
	kind, _, _ := strings.Cut(name, "-")
	order, ok := map[string]any{"hub": hub, "teams": teams, "copilot": copilot}[kind]
	if !ok {
		t.Fatalf("no kind of order for %s", name)
	}
	return order
}

func strictly(t *testing.T, text []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// TestOrdersOfTheFirstRelease: what the first release promised is understood to
// the last member.
func TestOrdersOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	for name, text := range golden(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order := orderFor(t, name, new(hubOrder), new(teamsOrder), new(copilotOrder))
			strictly(t, text, order)
			again, err := json.Marshal(order)
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			strictly(t, text, &want)
			strictly(t, again, &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("not the same order (-first release +today):\n%s", diff)
			}
		})
	}
}

// The shapes of the first release, as far as it used them.
type (
	firstHubOrder struct {
		Mapping int64 `json:"mapping"`
		Open    *struct {
			Key  string `json:"key"`
			User struct {
				ID       string `json:"id"`
				Name     string `json:"name"`
				Email    string `json:"email"`
				Locale   string `json:"locale"`
				TimeZone string `json:"timeZone"`
				Client   string `json:"client"`
			} `json:"user"`
			Problem   string            `json:"problem"`
			Channel   string            `json:"channel"`
			Reference string            `json:"reference"`
			Variables map[string]string `json:"variables"`
		} `json:"open"`
		Say *struct {
			Conversation string            `json:"conversation"`
			Key          string            `json:"key"`
			Sender       string            `json:"sender"`
			Text         string            `json:"text"`
			Problem      string            `json:"problem"`
			Variables    map[string]string `json:"variables"`
		} `json:"say"`
		Ours bool `json:"ours"`
		End  *struct {
			Conversation string `json:"conversation"`
			Key          string `json:"key"`
			Reason       string `json:"reason"`
		} `json:"end"`
		Answer *firstPost `json:"answer"`
	}

	firstTeamsOrder struct {
		Mapping int64     `json:"mapping"`
		Post    firstPost `json:"post"`
		Agent   bool      `json:"agent"`
		Ends    bool      `json:"ends"`
	}

	firstCopilotOrder struct {
		Mapping int64     `json:"mapping"`
		Post    firstPost `json:"post"`
		Returns bool      `json:"returns"`
	}

	firstPost struct {
		To struct {
			ServiceURL   string `json:"serviceUrl"`
			Audience     string `json:"audience"`
			ChannelID    string `json:"channelId"`
			Conversation struct {
				ID               string `json:"id"`
				ConversationType string `json:"conversationType"`
				TenantID         string `json:"tenantId"`
			} `json:"conversation"`
			Bot    firstAccount `json:"bot"`
			User   firstAccount `json:"user"`
			Locale string       `json:"locale"`
		} `json:"to"`
		ReplyTo  string `json:"replyTo"`
		Activity struct {
			Type       string          `json:"type"`
			Name       string          `json:"name"`
			Text       string          `json:"text"`
			TextFormat string          `json:"textFormat"`
			Code       string          `json:"code"`
			Value      json.RawMessage `json:"value"`
		} `json:"activity"`
		OutOfTurn bool `json:"outOfTurn"`
	}

	firstAccount struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		AADObjectID string `json:"aadObjectId"`
		Role        string `json:"role"`
	}
)

// TestFirstShapesHoldTheGoldenOrders keeps the shapes above and the files one
// another's witness.
func TestFirstShapesHoldTheGoldenOrders(t *testing.T) {
	t.Parallel()
	for name, text := range golden(t) {
		strictly(t, text, orderFor(t, name, new(firstHubOrder), new(firstTeamsOrder), new(firstCopilotOrder)))
	}
}

// TestTodaysOrdersFillTheFirstShapes: the first release, still running beside this
// one or put back in its place, finds every member it knows. Members are only
// added.
func TestTodaysOrdersFillTheFirstShapes(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string]struct{ today, first any }{
		"hub":     {new(hubOrder), new(firstHubOrder)},
		"teams":   {new(teamsOrder), new(firstTeamsOrder)},
		"copilot": {new(copilotOrder), new(firstCopilotOrder)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fill(reflect.ValueOf(pair.today).Elem())
			text, err := json.Marshal(pair.today)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, pair.first); err != nil {
				t.Fatal(err)
			}
			for _, path := range missing(reflect.ValueOf(pair.first).Elem(), name) {
				t.Errorf("%s is not in what is written today", path)
			}
		})
	}
}

// fill sets what v holds to something that is not its zero value.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes([]byte(`"value"`))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fill(f)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), reflect.ValueOf("value"))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64, reflect.Int:
		v.SetInt(1)
	default: // the order's own kinds are above; what is new is left zero
	}
}

// missing names the members of v that are zero.
func missing(v reflect.Value, path string) []string {
	if v.IsZero() {
		return []string{path}
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	var paths []string
	for f, member := range v.Fields() {
		paths = append(paths, missing(member, path+"."+f.Name)...)
	}
	return paths
}
