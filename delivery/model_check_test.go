package delivery_test

import (
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// check compares everything with the model at the end of a case.
func (s *stage) check(t *rapid.T) {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	for name, q := range s.queues {
		sent := s.peer.sent[name]
		if diff := cmp.Diff(q.sent, sent); diff != "" {
			t.Fatalf("lane %s sent otherwise (-want +got):\n%s", name, diff)
		}
		if !q.copied && !slices.IsSorted(sent) {
			t.Fatalf("lane %s sent out of order: %v", name, sent)
		}
		s.checkLetters(t, name, q)
		s.checkSum(t, name, q)
	}
	for n, copies := range s.peer.copies {
		if most := s.copies() * s.promised[n]; copies > most {
			t.Fatalf("word %d arrived %d times, want %d at most", n, copies, most)
		}
	}
	s.checkKeys(t)
}

// letter is what the model knows of one.
type letter struct {
	Seq     int
	Outcome string
	Halts   bool
}

func (s *stage) checkLetters(t *rapid.T, name string, q *queue) {
	var want, got []letter
	for _, i := range q.letters() {
		want = append(want, letter{i + 1, q.promises[i].outcome, q.halting(i)})
	}
	for _, l := range s.letters(t, name) {
		got = append(got, letter{int(l.Seq), l.Outcome, l.Halts})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("lane %s has other letters (-want +got):\n%s", name, diff)
	}
}

// sum is what became of a lane's deliveries.
type sum struct {
	All, Delivered, Open, Closed, Pending int
	Parked                                bool
}

// sumSQL counts as delivered only what the peer was seen to take.
const sumSQL = `
	SELECT count(*),
		count(*) FILTER (WHERE seq <= acked_seq AND outcome IS NULL AND EXISTS (
			SELECT FROM attempt AS a
			WHERE (a.destination, a.conversation, a.seq) = (d.destination, d.conversation, d.seq)
			  AND a.class = 'delivered')),
		count(*) FILTER (WHERE outcome IN ('dead', 'held')),
		count(*) FILTER (WHERE outcome IN ('redriven', 'dropped')),
		count(*) FILTER (WHERE seq > acked_seq),
		bool_or(parked_at IS NOT NULL)
	FROM delivery AS d
	JOIN lane USING (destination, conversation)
	WHERE conversation = @conversation`

// checkSum: nothing is lost and nothing is counted twice, and only a parked lane
// has anything left.
func (s *stage) checkSum(t *rapid.T, name string, q *queue) {
	rows, _ := s.pool.Query(t.Context(), sumSQL, pgx.NamedArgs{"conversation": name})
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[sum])
	if err != nil {
		t.Fatal(err)
	}
	if got.All != got.Delivered+got.Open+got.Closed+got.Pending || got.Pending > 0 && !got.Parked {
		t.Fatalf("lane %s does not add up: %+v", name, got)
	}
	want := sum{All: len(q.promises), Pending: len(q.promises) - q.acked, Open: len(q.letters()), Parked: q.parked}
	for _, p := range q.promises[:q.acked] {
		switch p.outcome {
		case "":
			want.Delivered++
		case "redriven", "dropped":
			want.Closed++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("lane %s came to something else (-want +got):\n%s", name, diff)
	}
}

// keysSQL counts accepted keys and those among them that have no delivery.
const keysSQL = `
	SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
		SELECT FROM delivery AS d
		WHERE d.key = a.key
		  AND starts_with(d.conversation, a.scope)))
	FROM accepted AS a
	WHERE scope = @scope`

// checkKeys: every key that was accepted is a delivery.
func (s *stage) checkKeys(t *rapid.T) {
	var keys, lost int
	err := s.pool.QueryRow(t.Context(), keysSQL, pgx.NamedArgs{"scope": s.name}).Scan(&keys, &lost)
	if err != nil {
		t.Fatal(err)
	}
	if keys != len(s.accepted) || lost > 0 {
		t.Fatalf("%d keys accepted, %d of them lost; want %d and none", keys, lost, len(s.accepted))
	}
}
