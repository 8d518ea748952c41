package relay_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
)

// TestMuchKnown: of more variables than Direct Line takes in one activity the copilot
// is told some, and hears the user in any case.
func TestMuchKnown(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]bool{"of the same conversation": false, "begun anew": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.givesAway("", map[string]string{"aName": "Megan"}, 60)
			one := r.start("one")
			r.says(one, "person")
			r.waitState(relay.People)
			r.chat.takesBack(only)
			if lose {
				r.sandbox.Direct().Forget(r.talk())
			}
			r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasReturned, Summary: "It was found.", Pending: []string{"fourth"}})
			eventually(t, "the copilot hears the user", func() bool { return slices.Contains(r.heard(r.talk()), "fourth") })
			said := r.sandbox.Direct().Log(r.talk())
			i := slices.IndexFunc(said, func(a activity.Activity) bool { return a.Name == "pvaSetContext" })
			if i < 0 {
				t.Fatalf("the copilot heard %q", r.heard(r.talk()))
			}
			var known map[string]any
			if err := json.Unmarshal(said[i].Value, &known); err != nil {
				t.Fatal(err)
			}
			if known["aName"] != "Megan" || known["liaison_summary"] != "It was found." {
				t.Errorf("of %d variables the name is %v, the summary %v", len(known), known["aName"], known["liaison_summary"])
			}
		})
	}
}

// givesAway makes the copilot give away who asks for a person, with its last words if
// it has any, with variables and n more that are long.
func (r *rig) givesAway(last string, variables map[string]string, n int) {
	for i := range n {
		variables[fmt.Sprintf("long%02d", i)] = strings.Repeat("ä", 8000)
	}
	value, err := json.Marshal(variables)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.sandbox.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Text != "person" {
			return nil
		}
		return []activity.Activity{{Type: activity.TypeMessage, Text: last}, {Type: activity.TypeEvent, Name: "handoff.initiate", Value: value}}
	})
}

// TestMuchSaid: what the copilot says at once may be much more than one transaction
// has time for, and than a slow database has time for in a part.
func TestMuchSaid(t *testing.T) {
	t.Parallel()
	const many = 64
	r := newRig(t)
	_, err := r.pool.Exec(t.Context(), `
		CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			PERFORM pg_sleep(0.1);
			RETURN NEW;
		END $$;
		CREATE TRIGGER slow BEFORE INSERT ON accepted FOR EACH ROW EXECUTE FUNCTION slow()`)
	if err != nil {
		t.Fatal(err)
	}
	var all []activity.Activity
	for i := range many {
		all = append(all, activity.Activity{Type: activity.TypeMessage, Text: fmt.Sprint(i)})
	}
	r.sandbox.Direct().SetAnswer(func(a activity.Activity) []activity.Activity {
		if a.Type != activity.TypeMessage {
			return nil
		}
		return all
	})
	one := r.start("one")
	r.says(one, "first")
	const promised = `SELECT COALESCE(max(last_seq), 0) FROM lane WHERE destination LIKE 'canvas/%'`
	eventually(t, "all is promised", func() bool { return r.count(promised) >= many }, func() any { return r.count(promised) })
	eventually(t, "some is shown", func() bool { return len(r.chat.said(only)) >= many/2 })
	for i, text := range r.chat.said(only) {
		if text != fmt.Sprint(i) {
			t.Fatalf("the user was shown %q as number %d", text, i)
		}
	}
}

// TestTakenOverWhilePassing: an agent who is faster than the copilot's last words
// learns all the same what it tells people, and nobody is told that there is nobody.
func TestTakenOverWhilePassing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		last   string
		status int
	}{"and the hub is told": {"bye", 0}, "and the hub refuses to be told": {"", http.StatusConflict}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.givesAway(tc.last, map[string]string{"order": "42"}, 0)
			r.chat.refuse = func(what string) error {
				if what == "pass" && tc.status != 0 {
					return refusal{tc.status}
				}
				return nil
			}
			r.chat.takes(only)
			one := r.start("one")
			r.says(one, "person")
			r.waitState(relay.People)
			if p, _ := r.chat.passed(only); tc.status == 0 && p.Variables["order"] != "42" {
				t.Errorf("people are told %+v", p)
			}
			r.chat.takesBack(only)
			r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasReturned, Pending: []string{"fourth"}})
			eventually(t, "the copilot hears the user", func() bool { return slices.Contains(r.heard(r.talk()), "fourth") })
			if diff := cmp.Diff([]string{"startConversation", "person", "pvaSetContext", "fourth"}, r.heard(r.talk())); diff != "" {
				t.Errorf("the copilot heard (-want +got):\n%s", diff)
			}
			r.waitSaid()
		})
	}
}
