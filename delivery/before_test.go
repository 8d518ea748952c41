package delivery_test

import (
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

// TestReleaseBefore: what the release before writes, which knows neither parked
// lanes nor doubts, leaves both as they have to be.
func TestReleaseBefore(t *testing.T) {
	t.Parallel()
	type lane struct {
		Ready, Owned bool
		Epoch        int64
		Doubts       int
	}
	for name, tc := range map[string]struct {
		parked *time.Time
		update string
		want   lane
	}{
		"enqueues into a parked lane": {
			new(time.Now()), `UPDATE lane SET last_seq = 3, ready_at = now(), owner = 'old/1', epoch = epoch + 1`, lane{Epoch: 4, Doubts: 1},
		},
		"enqueues into an idle lane": {
			nil, `UPDATE lane SET last_seq = 3, ready_at = now(), owner = 'old/1', epoch = epoch + 1`, lane{true, true, 5, 1},
		},
		"moves the cursor": {
			nil, `UPDATE lane SET acked_seq = 2`, lane{Epoch: 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t, migrations.Schema())
			exec := func(sql string, args ...any) {
				t.Helper()
				if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
					t.Fatal(err)
				}
			}
			exec(`INSERT INTO lane (destination, conversation, last_seq, acked_seq, epoch, doubts, parked_at) VALUES ('x', 'a', 2, 1, 4, 1, $1)`, tc.parked)
			exec(tc.update)
			var got lane
			err := pool.QueryRow(t.Context(), `SELECT ready_at IS NOT NULL, owner IS NOT NULL, epoch, doubts FROM lane`).Scan(&got.Ready, &got.Owned, &got.Epoch, &got.Doubts)
			if err != nil || got != tc.want {
				t.Errorf("lane is %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}
