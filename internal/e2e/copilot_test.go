package e2e

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/internal/app"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/card"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// northwind is the demo's catalogue.
const northwind = "LIAISON_HANDOFF_CATALOGUE=../../cmd/liaison/northwind.csv"

// copilotWorld is a world whose users have the service's own app, as it describes
// itself, in Teams and in Microsoft 365 Copilot.
func copilotWorld(tb testing.TB, settings ...string) *world {
	tb.Helper()
	w := newWorld(tb, beside(), append(settings, northwind)...)
	w.installApp(tb)
	return w
}

func (w *world) installApp(tb testing.TB) {
	tb.Helper()
	cfg, err := app.Load(tb.Context(), w.environ)
	if err != nil {
		tb.Fatal(err)
	}
	manifest, err := app.TeamsApp(cfg, "1.0.0")
	if err != nil {
		tb.Fatal(err)
	}
	encoded, err := json.Marshal(manifest)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.sandbox.InstallApp(encoded); err != nil {
		tb.Fatal(err)
	}
}

// ask asks Copilot and returns the cards that come with its answer.
func ask(tb testing.TB, u sandbox.User, prompt string) []card.Card {
	tb.Helper()
	answer, err := u.AskCopilot(tb.Context(), prompt)
	if err != nil {
		tb.Fatal(err)
	}
	var cards []card.Card
	for _, found := range answer.Results {
		cards = append(cards, found.Card)
	}
	return cards
}

// press follows the link of a card's button, once more where a busy machine has the
// service refuse it, as users are to do.
func press(tb testing.TB, u sandbox.User, c card.Card) {
	tb.Helper()
	eventually(tb, "the link is taken", func() bool { return u.Follow(tb.Context(), c.Actions()[0].URL) == nil })
}

// TestR20_82_Copilot_searches_the_catalogue_and_the_user_goes_on_with_a_person: the
// question, the cards, the button, the bot's chat, and the agent who knows what it is
// about.
func TestR20_82_Copilot_searches_the_catalogue_and_the_user_goes_on_with_a_person(t *testing.T) {
	t.Parallel()
	w := copilotWorld(t)
	user := w.sandbox.User("Megan")
	cards := ask(t, user, "Which teas do you have in stock?")
	if len(cards) != 3 || cards[0].Blocks[0].Text != "Chai" {
		t.Fatalf("found %+v", cards)
	}
	press(t, user, cards[0])
	sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, continuing)
	sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, "You are next in the queue.")
	c := w.chat(t)
	var shown json.RawMessage
	w.desk(t, "GET", "/api/desk/conversations/"+url.PathEscape(c.ID), nil, &shown)
	for _, carried := range []string{`"problem":"Chai"`, `"Supplier":"Exotic Liquids"`, `"query":"tea"`} {
		if !strings.Contains(string(shown), carried) {
			t.Errorf("the desk does not show %s: %s", carried, shown)
		}
	}
	w.agentSays(t, c.ID, "How many boxes?")
	sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, "**Bo**: How many boxes?")
	sandboxtest.Say(t, user.Bot(), "Forty")
	eventually(t, "the answer on the desk", func() bool { return cmp.Equal(w.said(t, c.ID), []string{"Forty"}) })

	press(t, user, cards[0])
	sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, startAgain)
	if n := len(user.Lines()); n != 0 || len(w.chats(t)) != 1 {
		t.Errorf("%d lines in the copilot's chat, %d conversations on the desk", n, len(w.chats(t)))
	}
	w.noLeaks(t)
}

// TestR20_82_Copilot_offers_a_person_with_what_was_asked, also where nothing was found.
func TestR20_82_Copilot_offers_a_person_with_what_was_asked(t *testing.T) {
	t.Parallel()
	w := copilotWorld(t)
	user := w.sandbox.User("Megan")
	if cards := ask(t, user, "Do you have flamingos?"); len(cards) != 0 {
		t.Fatalf("found %+v", cards)
	}
	cards := ask(t, user, "Then let me talk to a person")
	if len(cards) != 1 {
		t.Fatalf("found %+v", cards)
	}
	press(t, user, cards[0])
	sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, continuing)
	if c := w.chat(t); c.Problem != "Do you have flamingos?" {
		t.Errorf("the desk shows %+v", c)
	}
}

// TestR20_81_a_card_is_for_whom_it_was_made: who was sent the link gets nothing by it.
func TestR20_81_a_card_is_for_whom_it_was_made(t *testing.T) {
	t.Parallel()
	w := copilotWorld(t)
	megan, alex := w.sandbox.User("Megan"), w.sandbox.User("Alex")
	cards := ask(t, megan, "Is there any seafood?")
	press(t, alex, cards[0])
	sandboxtest.WaitLine(t, alex.Bot(), sandbox.ByAgent, notHere)
	press(t, megan, cards[0])
	sandboxtest.WaitLine(t, megan.Bot(), sandbox.ByAgent, continuing)
	if c := w.chat(t); c.User.Name != "Megan Bowen" {
		t.Errorf("the desk shows %+v", c)
	}
}

// TestR20_it_is_measured_how_long_users_wait: for our first words and for a person's,
// each once for a link.
func TestR20_it_is_measured_how_long_users_wait(t *testing.T) {
	t.Parallel()
	w := copilotWorld(t)
	user := w.sandbox.User("Megan")
	press(t, user, ask(t, user, "I want to talk to a person about the tea that was cold")[0])
	sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, continuing)
	id := w.chat(t).ID
	for _, line := range []string{"Hello", "Which tea?"} {
		w.agentSays(t, id, line)
		sandboxtest.WaitLine(t, user.Bot(), sandbox.ByAgent, line)
	}
	metrics := &part{tb: t, serve: w.app.Load().RunMetrics}
	metrics.start()
	t.Cleanup(metrics.stop)
	eventually(t, "both waits are counted, once", func() bool {
		page := read(t, metrics.url()+"/metrics")
		return strings.Contains(page, "\nliaison_handoff_greeting_seconds_count 1\n") &&
			strings.Contains(page, "\nliaison_handoff_answer_seconds_count 1\n")
	})
}
