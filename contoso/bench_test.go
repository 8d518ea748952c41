package contoso_test

import (
	"testing"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
)

// BenchmarkReceive stores the users' words, each client in a conversation of its
// own. Writers queue for the event counter, so this is what one database takes.
func BenchmarkReceive(b *testing.B) {
	h := run(b, pgtest.DB(b, contoso.Schema()), contoso.Config{})
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		id := h.open(b, "")
		for pb.Next() {
			h.hear(b, id, "the printer on the third floor is on fire again")
		}
	})
}
