package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/internal/env"
)

type deadlettersCmd struct {
	Ls      lettersCmd `cmd:"" help:"List the letters nobody decided yet, the newest first."`
	Show    letterCmd  `cmd:"" help:"Show a letter and what was tried."`
	Redrive redriveCmd `cmd:"" help:"Send letters once more."`
	Drop    dropCmd    `cmd:"" help:"Give letters up for good."`
}

// letterFilter is what letters are chosen by.
type letterFilter struct {
	Conversation string       `placeholder:"LANE" help:"Only of this lane, as ls prints it."`
	Destination  string       `placeholder:"NAME" help:"Only to this destination: teams, copilot, hub/<name>."`
	State        string       `enum:",dead,held" default:"" placeholder:"STATE" help:"Only dead (given up) or held (kept back: may have arrived) ones."`
	Reason       string       `placeholder:"TEXT" help:"Only with this in the reason, such as refused or 503."`
	OlderThan    env.Duration `placeholder:"AGE" help:"Only letters for longer than this, such as 90m or 2d."`
	NewerThan    env.Duration `placeholder:"AGE" help:"Only letters for less than this."`
}

func (f letterFilter) filter(ids ...int64) delivery.Filter {
	return delivery.Filter{
		IDs: ids, Conversation: f.Conversation, Destination: f.Destination, Outcome: f.State, Reason: f.Reason,
		OlderThan: time.Duration(f.OlderThan), NewerThan: time.Duration(f.NewerThan),
	}
}

type lettersCmd struct {
	letterFilter
	operating

	Limit int  `default:"50" help:"At most so many."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Run implements the command.
func (l lettersCmd) Run(ctx context.Context, c console) error {
	return with(ctx, l.operating, func(db delivery.DB) error { return l.run(ctx, c, db) })
}

func (l lettersCmd) run(ctx context.Context, c console, db delivery.DB) error {
	letters, err := delivery.Letters(ctx, db, l.filter(), l.Limit)
	if err != nil {
		return err
	}
	if l.JSON {
		return printJSON(c, orEmpty(letters))
	}
	if len(letters) == 0 {
		fmt.Fprintln(c.out, noLetters(l.filter()))
		return nil
	}
	printLetters(c, letters)
	if len(letters) == l.Limit {
		fmt.Fprintf(c.out, "\nThere may be more: --limit %d shows more.\n", 10*l.Limit)
	}
	return nil
}

type letterCmd struct {
	ID int64 `arg:"" help:"The letter's id, as ls prints it."`
	operating

	JSON bool `name:"json" help:"Print JSON."`
}

// Run implements the command.
func (l letterCmd) Run(ctx context.Context, c console) error {
	return with(ctx, l.operating, func(db delivery.DB) error { return l.run(ctx, c, db) })
}

func (l letterCmd) run(ctx context.Context, c console, db delivery.DB) error {
	letter, err := delivery.FindLetter(ctx, db, l.ID)
	if errors.Is(err, delivery.ErrNoLetter) {
		return explainMissing(ctx, c, db, l.ID)
	}
	if err != nil {
		return err
	}
	traced, err := delivery.TraceLetter(ctx, db, l.ID)
	if err != nil {
		return err
	}
	if l.JSON {
		return printJSON(c, map[string]any{"letter": letter, "deliveries": orEmpty(traced)})
	}
	printLetter(c, letter, traced)
	return nil
}

// orderFlags is what redrive and drop have in common.
type orderFlags struct {
	IDs []int64 `arg:"" optional:"" name:"id" help:"Letters by id; or choose them by the filters, or --all."`
	letterFilter
	operating

	All    bool   `help:"All letters."`
	DryRun bool   `help:"Only say which letters it would be."`
	As     string `placeholder:"WHO" help:"Who decides, for the record; the system's user by default."`
	Limit  int    `default:"1000" help:"At most so many at a time."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

type redriveCmd struct{ orderFlags }

// Run implements the command.
func (r redriveCmd) Run(ctx context.Context, c console) error {
	return with(ctx, r.operating, func(db delivery.DB) error { return r.run(ctx, c, db) })
}

func (r redriveCmd) run(ctx context.Context, c console, db delivery.DB) error {
	return r.order(ctx, c, db, "redrive", delivery.Redrive)
}

type dropCmd struct{ orderFlags }

// Run implements the command.
func (d dropCmd) Run(ctx context.Context, c console) error {
	return with(ctx, d.operating, func(db delivery.DB) error { return d.run(ctx, c, db) })
}

func (d dropCmd) run(ctx context.Context, c console, db delivery.DB) error {
	return d.order(ctx, c, db, "drop", delivery.Drop)
}

type deciding func(ctx context.Context, db delivery.DB, o delivery.Order) ([]delivery.Letter, error)

func (o orderFlags) order(ctx context.Context, c console, db delivery.DB, action string, decide deciding) error {
	f := o.filter(o.IDs...)
	if f.Any() && !o.All {
		return fmt.Errorf("say which letters to %s: ids, a filter such as --destination teams, or --all", action)
	}
	order := delivery.Order{Filter: f, Limit: o.Limit, Actor: o.As, Subject: subject(f)}
	if order.Actor == "" {
		order.Actor = systemUser()
	}
	if o.DryRun {
		decide = func(ctx context.Context, db delivery.DB, order delivery.Order) ([]delivery.Letter, error) {
			return delivery.Letters(ctx, db, order.Filter, order.Limit)
		}
	}
	letters, err := decide(ctx, db, order)
	if err != nil {
		return err
	}
	if o.JSON {
		err = printJSON(c, map[string]any{"action": action, "dry_run": o.DryRun, "letters": orEmpty(letters)})
	} else {
		o.tell(c, action, letters)
	}
	return errors.Join(err, o.missing(ctx, c, db, letters))
}

// tell says what was done.
func (o orderFlags) tell(c console, action string, letters []delivery.Letter) {
	if len(letters) == 0 {
		if len(o.IDs) == 0 {
			fmt.Fprintln(c.out, noLetters(o.filter()))
		}
		return
	}
	printLetters(c, letters)
	done := map[string]string{"redrive": "redriven", "drop": "dropped"}[action]
	if o.DryRun {
		fmt.Fprintf(c.out, "\n%s would be %s; nothing was changed.\n", count(len(letters), "letter"), done)
		return
	}
	fmt.Fprintf(c.out, "\n%s %s.\n", count(len(letters), "letter"), done)
	if len(letters) == o.Limit && len(o.IDs) == 0 {
		fmt.Fprintln(c.out, "There may be more: repeat the command.")
	}
}

// missing says why letters asked for by id were left alone.
func (o orderFlags) missing(ctx context.Context, c console, db delivery.DB, letters []delivery.Letter) error {
	found := map[int64]bool{}
	for _, l := range letters {
		found[l.ID] = true
	}
	if o.JSON {
		c.out = c.err
	}
	var problems []error
	for _, id := range o.IDs {
		if found[id] {
			continue
		}
		letter, err := delivery.FindLetter(ctx, db, id)
		switch {
		case errors.Is(err, delivery.ErrNoLetter):
			err = explainMissing(ctx, c, db, id)
		case err == nil && (letter.Outcome == "dead" || letter.Outcome == "held"):
			fmt.Fprintf(c.out, "Letter %d is none of those the filters choose; nothing was changed.\n", id)
		case err == nil:
			fmt.Fprintf(c.out, "Letter %d was %s already; nothing was changed.\n", id, letter.Outcome)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// explainMissing says what became of an id that is no letter's now.
func explainMissing(ctx context.Context, c console, db delivery.DB, id int64) error {
	d, err := delivery.LastDecision(ctx, db, id)
	if errors.Is(err, delivery.ErrNoLetter) {
		return fmt.Errorf("there is no letter %d: liaison deadletters ls lists them; "+
			"for the id of a message or a conversation, liaison trace ID", id)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Letter %d was redriven already, by %s at %s: its lane tries it where it stood; nothing was changed.\n",
		id, shown(d.Actor), stamp(d.At))
	return nil
}

// subject puts a filter on record.
func subject(f delivery.Filter) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	if len(f.IDs) > 0 {
		add("letters", strings.Trim(fmt.Sprint(f.IDs), "[]"))
	}
	add("conversation", f.Conversation)
	add("destination", f.Destination)
	add("state", f.Outcome)
	add("reason", f.Reason)
	if f.OlderThan > 0 {
		add("older than", f.OlderThan.String())
	}
	if f.NewerThan > 0 {
		add("newer than", f.NewerThan.String())
	}
	if len(parts) == 0 {
		return "all letters"
	}
	return strings.Join(parts, ", ")
}

func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

// with runs f on the database.
func with(ctx context.Context, o operating, f func(db delivery.DB) error) error {
	db, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	return f(db.pool)
}

func printJSON(c console, v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// orEmpty makes an empty list [], not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
