package handoff_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/texts"
)

// extension answers the command "find" from source.
func extension(tb testing.TB, db handoff.DB, source handoff.Source) *handoff.Extension {
	tb.Helper()
	catalogue, err := texts.Load("", "")
	check(tb, err)
	return &handoff.Extension{
		DB: db, TTL: ttl, Texts: catalogue, Log: slog.New(slog.DiscardHandler),
		Sources: map[string]handoff.Source{"person": handoff.Person{Texts: catalogue, Queue: "front desk"}, "find": source},
	}
}

// found is a source of what it holds.
type found func(ctx context.Context, q handoff.Query) ([]handoff.Result, error)

func (f found) Search(ctx context.Context, q handoff.Query) ([]handoff.Result, error) {
	return f(ctx, q)
}

// decoded is an answer as Teams reads it.
type decoded struct {
	ComposeExtension struct {
		Type, AttachmentLayout, Text string
		Attachments                  []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body          []struct{ Type, Text string }
				Actions       []struct{ Type, Title, URL string }
			}
			Preview struct {
				ContentType string
				Content     struct{ Title, Text string }
			}
		}
	}
}

func answer(tb testing.TB, e *handoff.Extension, q handoff.Query) (decoded, string) {
	tb.Helper()
	body, err := json.Marshal(e.Answer(tb.Context(), q, ada()))
	check(tb, err)
	var d decoded
	check(tb, json.Unmarshal(body, &d))
	return d, string(body)
}

func TestAnswer_is_a_card_whose_link_brings_its_context(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	e := extension(t, db, nil)
	d, _ := answer(t, e, handoff.Query{Command: "person", Locale: "de", Parameters: map[string]string{"reason": " broken chair "}})
	c := d.ComposeExtension
	if c.Type != "result" || c.AttachmentLayout != "list" || len(c.Attachments) != 1 {
		t.Fatalf("answer: %+v", c)
	}
	a := c.Attachments[0]
	if a.ContentType != "application/vnd.microsoft.card.adaptive" || a.Content.Type != "AdaptiveCard" || a.Content.Version != "1.5" ||
		a.Preview.ContentType != "application/vnd.microsoft.card.thumbnail" || a.Preview.Content.Title != "Mit einem Menschen sprechen" {
		t.Errorf("card: %+v", a)
	}
	if len(a.Content.Actions) != 1 || a.Content.Actions[0].Type != "Action.OpenUrl" {
		t.Fatalf("actions: %+v", a.Content.Actions)
	}
	link, err := url.Parse(a.Content.Actions[0].URL)
	check(t, err)
	got, err := handoff.Redeem(t.Context(), db, handoff.Token(link.Query().Get("continuation")), ada())
	check(t, err)
	if diff := cmp.Diff(handoff.Context{Problem: "broken chair", Queue: "front desk"}, got); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
}

func TestAnswer_has_a_link_for_each_result(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, migrations.Schema())
	e := extension(t, db, found(func(context.Context, handoff.Query) ([]handoff.Result, error) {
		return []handoff.Result{{Title: "a"}, {Title: "b", Text: "B", Facts: []handoff.Fact{{Title: "n", Value: "1"}}}}, nil
	}))
	d, body := answer(t, e, handoff.Query{Command: "find"})
	links := map[string]bool{}
	for _, a := range d.ComposeExtension.Attachments {
		links[a.Content.Actions[0].URL] = true
	}
	if len(links) != 2 || !strings.Contains(body, `{"type":"FactSet","facts":[{"title":"n","value":"1"}]}`) {
		t.Errorf("%d links in %s", len(links), body)
	}
}

func TestAnswer_of_nothing_is_an_empty_list(t *testing.T) {
	t.Parallel()
	e := extension(t, nil, found(func(context.Context, handoff.Query) ([]handoff.Result, error) { return nil, nil }))
	_, body := answer(t, e, handoff.Query{Command: "find"})
	if want := `{"composeExtension":{"type":"result","attachmentLayout":"list","attachments":[]}}`; body != want {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestAnswer_tells_a_failure_in_words(t *testing.T) {
	t.Parallel()
	e := extension(t, nil, found(func(context.Context, handoff.Query) ([]handoff.Result, error) {
		return nil, errors.New("secret host is down")
	}))
	for _, command := range []string{"find", "unknown"} {
		_, body := answer(t, e, handoff.Query{Command: command, Locale: "en"})
		if want := `{"composeExtension":{"type":"message","text":"The search did not work just now. Please try again in a moment."}}`; body != want {
			t.Errorf("%s: got %s, want %s", command, body, want)
		}
	}
}

func TestR20_82_answer_comes_within_five_seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := extension(t, nil, found(func(ctx context.Context, _ handoff.Query) ([]handoff.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		began := time.Now()
		d, _ := answer(t, e, handoff.Query{Command: "find"})
		if took := time.Since(began); took >= 5*time.Second || d.ComposeExtension.Type != "message" {
			t.Errorf("a source that hangs is answered after %v with %q", took, d.ComposeExtension.Type)
		}
	})
}

func TestReadQuery(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]handoff.Query{
		`{"commandId":"c"}`: {Command: "c", Parameters: map[string]string{}, Count: 25},
		`{"commandId":"c","parameters":[{"name":"initialRun","value":"true"}],"queryOptions":{"skip":0,"count":25}}`: {Command: "c", Parameters: map[string]string{}, Initial: true, Count: 25},
		`{"commandId":"c","parameters":[{"name":"q","value":"x"},{"name":"n","value":7},{"name":"z","value":null}],"queryOptions":{"skip":50,"count":10},"state":"s"}`: {
			Command: "c", Parameters: map[string]string{"q": "x", "n": "7", "z": ""}, Skip: 50, Count: 10,
		},
		`{"commandId":"c","queryOptions":{"skip":-1,"count":1000000}}`: {Command: "c", Parameters: map[string]string{}, Count: 25},
	} {
		got, err := handoff.ReadQuery(json.RawMessage(value))
		check(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", value, diff)
		}
	}
	for _, value := range []string{``, `null`, `[]`, `{}`, `{"commandId":7}`, `{"commandId":"c","parameters":{}}`} {
		if q, err := handoff.ReadQuery(json.RawMessage(value)); err == nil {
			t.Errorf("%s is read as %v", value, q)
		}
	}
}
