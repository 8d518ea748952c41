package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/mapping"
)

// TestTrace: a mapping is found by its own id and by either conversation's, of
// any copilot.
func TestTrace(t *testing.T) {
	t.Parallel()
	db := open(t)
	first := in(t, db, sample("c"), mapping.Closed)
	second := in(t, db, sample("c"), mapping.Active)
	third := sample("c")
	third.Key.BotAppID = "another"
	other := in(t, db, third, mapping.Waiting)
	for name, tc := range map[string]struct {
		id   mapping.ID
		text string
		want []mapping.ID
	}{
		"by id":                        {first.ID, "", []mapping.ID{first.ID}},
		"by the hub's conversation":    {0, string(second.HubConversation), []mapping.ID{second.ID}},
		"by the user's, all copilots'": {0, "c", []mapping.ID{first.ID, second.ID, other.ID}},
		"by nothing":                   {0, "", []mapping.ID{}},
		"by what is not there":         {99, "C", []mapping.ID{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := mapping.Trace(t.Context(), db, tc.id, tc.text)
			check(t, err)
			got := []mapping.ID{}
			for _, m := range found {
				got = append(got, m.ID)
				if m.ID == first.ID && (m.ClosedAt == nil || m.NextAt == nil || !m.NextAt.Equal(second.OpenedAt)) {
					t.Errorf("closed at %v, followed at %v; want both, the latter %v", m.ClosedAt, m.NextAt, second.OpenedAt)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
