package contoso_test

import (
	"net/http"
	"testing"
	"time"

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

// BenchmarkSupervisor reads the supervisor's board of a thousand open and ten
// thousand ended conversations, and a month's export.
func BenchmarkSupervisor(b *testing.B) {
	db := pgtest.DB(b, contoso.Schema())
	h := run(b, db, contoso.Config{})
	crowd(b, db)
	for name, path := range map[string]string{
		"board": "", "export": "/export?to=" + time.Now().Format(time.DateOnly) + "&from=" + time.Now().AddDate(0, 0, -31).Format(time.DateOnly),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got := h.do(b, call{method: http.MethodGet, path: "/api/desk/supervisor" + path}); got.status != http.StatusOK {
					b.Fatal(got)
				}
			}
		})
	}
}
