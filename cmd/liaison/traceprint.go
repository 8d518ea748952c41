package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/liaison-skill/liaison/delivery"
)

// print writes the mappings, then the deliveries in time order.
func (r *tracing) print(c console) {
	for _, m := range r.told() {
		fmt.Fprintf(c.out, "Mapping %d: %s", m.ID, m.State)
		if m.ClosedBy != "" {
			fmt.Fprintf(c.out, ", ended by %s", m.ClosedBy)
		}
		fmt.Fprintln(c.out)
		w := table(c)
		fmt.Fprintf(w, "    conversation\t%s\n", word(m.Conversation))
		fmt.Fprintf(w, "    hub\t%s, conversation %s\n", word(m.Hub), word(m.HubConversation))
		fmt.Fprintf(w, "    opened\t%s\n", stamp(m.OpenedAt))
		for _, step := range []struct {
			name string
			at   *time.Time
		}{{"joined", m.JoinedAt}, {"ended", m.EndedAt}, {"closed", m.ClosedAt}} {
			if step.at != nil {
				fmt.Fprintf(w, "    %s\t%s\n", step.name, stamp(*step.at))
			}
		}
		_ = w.Flush() // a terminal that is gone needs no table
		fmt.Fprintln(c.out)
	}
	for _, d := range r.deliveries {
		fmt.Fprintf(c.out, "%s  %s #%d  %s\n", stamp(d.AcceptedAt), word(d.Destination), d.Seq, fateOf(d))
		fmt.Fprintf(c.out, "    lane %s, message %s\n", word(d.Conversation), word(d.Key))
		if d.TraceID != "" {
			fmt.Fprintf(c.out, "    trace %s\n", d.TraceID)
		}
		printAttempts(c, d.Attempts)
	}
	if len(r.deliveries) == 0 {
		fmt.Fprintln(c.out, "No deliveries.")
	}
}

// fateOf is a delivery's outcome in words.
func fateOf(d delivery.Traced) string {
	text := d.Outcome
	if d.Letter != 0 {
		text += fmt.Sprintf(" (%s), letter %d", word(d.Reason), d.Letter)
	}
	if d.Outcome == "pending" && d.ParkedAt != nil {
		text += ", its lane stands still since " + stamp(*d.ParkedAt)
	}
	return text
}

// merge puts deliveries in time order, each once.
func merge(lists ...[]delivery.Traced) []delivery.Traced {
	type place struct {
		destination, conversation string
		seq                       int64
	}
	seen := map[place]bool{}
	var all []delivery.Traced
	for _, d := range slices.Concat(lists...) {
		at := place{d.Destination, d.Conversation, d.Seq}
		if !seen[at] {
			seen[at] = true
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b delivery.Traced) int {
		return cmp.Or(a.AcceptedAt.Compare(b.AcceptedAt), cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.Seq, b.Seq))
	})
	return all
}
