package delivery

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// A tryLog collects attempts to be written with what they led to.
type tryLog struct {
	destination, conversation, class []string
	receipt                          []string
	seq                              []int64
	status                           []int
	began                            []time.Time
	took                             []time.Duration
	ambiguous                        []bool
}

func (g *tryLog) add(l *lane, t try) {
	g.destination, g.conversation = append(g.destination, l.name), append(g.conversation, l.conversation)
	g.class, g.seq, g.status = append(g.class, string(t.Class)), append(g.seq, t.seq), append(g.status, t.Status)
	g.began, g.took = append(g.began, t.began), append(g.took, t.took)
	g.ambiguous, g.receipt = append(g.ambiguous, t.Ambiguous), append(g.receipt, t.receipt)
}

const attemptSQL = `
	INSERT INTO attempt (destination, conversation, seq, began_at, took, class, status, ambiguous, receipt, owner)
	SELECT destination, conversation, seq, began_at, took, class, status, ambiguous, receipt, @owner
	FROM unnest(@destination::text[], @conversation::text[], @seq::bigint[], @began::timestamptz[],
	            @took::interval[], @class::text[], @status::int[], @ambiguous::bool[],
	            @receipt::text[])
		AS t (destination, conversation, seq, began_at, took, class, status, ambiguous, receipt)`

// queue adds the log to a batch.
func (g *tryLog) queue(b *pgx.Batch, owner string) {
	if len(g.seq) == 0 {
		return
	}
	b.Queue(attemptSQL, g.args(owner))
}

func (g *tryLog) args(owner string) pgx.NamedArgs {
	return pgx.NamedArgs{
		"destination": g.destination, "conversation": g.conversation, "seq": g.seq, "began": g.began,
		"took": g.took, "class": g.class, "status": g.status, "ambiguous": g.ambiguous,
		"receipt": g.receipt, "owner": owner,
	}
}
