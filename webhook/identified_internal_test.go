package webhook

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/livechat"
)

// TestIdentified: an event keeps its own id, else the post's stands in for it, and
// two events of a post are two.
func TestIdentified(t *testing.T) {
	t.Parallel()
	events := []livechat.Inbound{{Text: "a"}, {Text: "b", ID: "7"}, {Text: "c"}}
	for name, tc := range map[string]struct {
		post string
		want []string
	}{
		"a post with an id":    {"p", []string{"post 0/p", "7", "post 2/p"}},
		"a post without an id": {"", []string{"", "7", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, e := range identified(events, tc.post) {
				got = append(got, e.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if events[0].ID != "" {
		t.Error("the adapter's events were changed")
	}
}
