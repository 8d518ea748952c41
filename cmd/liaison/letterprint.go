package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/liaison-skill/liaison/delivery"
)

func noLetters(f delivery.Filter) string {
	if f.Any() {
		return "No letters: everything was delivered, is under way, or was decided."
	}
	return "No letters match. Without filters, liaison deadletters ls lists all there are."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// table returns a writer of columns; flush it.
func table(c console) *tabwriter.Writer { return tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0) }

// printLetters writes a table, a letter a line.
func printLetters(c console, letters []delivery.Letter) {
	w := table(c)
	fmt.Fprintln(w, "ID\tSTATE\tSINCE\tDESTINATION\tREASON\tLANE")
	for _, l := range letters {
		state := l.Outcome
		if l.Halts {
			state += ", lane halted"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n",
			l.ID, state, ago(time.Since(l.BuriedAt)), word(l.Destination), word(l.Reason), word(l.Conversation))
	}
	_ = w.Flush() // a terminal that is gone needs no table
}

// printLetter writes one letter, what was tried and what can be done.
func printLetter(c console, l delivery.Letter, traced []delivery.Traced) {
	w := table(c)
	fmt.Fprintf(w, "Letter\t%d, %s since %s\n", l.ID, l.Outcome, stamp(l.BuriedAt))
	fmt.Fprintf(w, "Reason\t%s\n", word(l.Reason))
	fmt.Fprintf(w, "To\t%s, lane %s, number %d\n", word(l.Destination), word(l.Conversation), l.Seq)
	fmt.Fprintf(w, "Message\t%s\n", word(l.Key))
	fmt.Fprintf(w, "Accepted\t%s\n", stamp(l.AcceptedAt))
	_ = w.Flush() // as above
	if l.Halts {
		fmt.Fprintln(c.out, "Its lane is halted: nothing behind it is sent until it is redriven or dropped.")
	}
	for _, t := range traced {
		printAttempts(c, t.Attempts)
	}
	if l.Outcome == "held" {
		fmt.Fprintln(c.out, "It may have arrived: sent once more, it may be there twice.")
	}
	if l.Outcome == "dead" || l.Outcome == "held" {
		fmt.Fprintf(c.out, "\nliaison deadletters redrive %d   sends it once more\nliaison deadletters drop %d      gives it up\n", l.ID, l.ID)
	}
}

// printAttempts writes what was tried, indented.
func printAttempts(c console, attempts []delivery.Attempt) {
	if len(attempts) == 0 {
		fmt.Fprintln(c.out, "    nothing was tried yet")
		return
	}
	w := table(c)
	for _, a := range attempts {
		status, doubt := "no answer", ""
		if a.Status != 0 {
			status = fmt.Sprintf("status %d", a.Status)
		} else if a.Class == delivery.Delivered {
			status = "taken"
		}
		if a.Ambiguous {
			doubt = "may have arrived"
		}
		line := fmt.Sprintf("    %s\t%s\t%s\t%s\t%s\t%s", stamp(a.BeganAt), a.Took.Round(time.Millisecond),
			word(string(a.Class)), status, word(a.Owner), doubt)
		fmt.Fprintln(w, strings.TrimRight(line, "\t"))
	}
	_ = w.Flush() // as above
}
