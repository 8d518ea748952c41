package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestR20_79_from_Copilot_to_a_person plays the whole path: a question in Microsoft 365
// Copilot, the card, its link, the bot's own chat, the desk, and back.
func TestR20_79_from_Copilot_to_a_person(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	token := o.link(t, "The chair is broken")

	status, length, answer := o.raw(t, o.activity(t, "f:1", "invoke", map[string]any{
		"name": "handoff/action", "value": map[string]any{"continuation": token},
	}))
	if status != http.StatusOK || answer != "" || length != 0 {
		t.Errorf("79: status %d, %d bytes %q; want 200 with Content-Length 0", status, length, answer)
	}
	o.told(t, continuing)
	o.told(t, "You are next in the queue.")
	c := o.chat(t)
	if c.Problem != "The chair is broken" {
		t.Errorf("the desk shows %+v, want the reason", c)
	}

	o.agentSays(t, c.ID, "Which chair?")
	o.told(t, "**Bo**: Which chair?")
	o.says(t, "m1", "The red one", nil)
	eventually(t, "the user's words on the desk", func() bool { return len(o.said(t, c.ID)) > 0 })
	if said := o.said(t, c.ID); said[len(said)-1] != "The red one" {
		t.Errorf("the desk shows %q", said)
	}
	o.agentEnds(t, c.ID)
	o.told(t, "has ended the conversation")
	eventually(t, "the mapping closed", func() bool { return o.mappings(t, "closed") == 1 })
	if v := o.sandbox.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
	if strings.Contains(o.log.String(), token) || strings.Contains(o.log.String(), "chair") {
		t.Error("the log holds the token, or what was said")
	}
}

// TestR20_80_a_token_is_good_once: whoever comes again is told to start again; but
// Teams, repeating an invoke, hears that all is well.
func TestR20_80_a_token_is_good_once(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot, "LIAISON_HANDOFF_PER_USER=0"), "Megan")
	token := o.link(t, "once")
	const copies = 50
	answers := make([]string, 2*copies)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			status, answer := o.follow(t, fmt.Sprint("f:", i%copies), token) // each comes twice
			answers[i] = fmt.Sprint(status, answer)
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a != "200" {
			t.Errorf("a copy is answered %s, want an empty 200", a)
		}
	}
	o.told(t, continuing)
	o.settled(t)
	if n := o.mappings(t, "opening", "waiting", "active"); n != 1 || len(o.chats(t)) != 1 {
		t.Errorf("%d mappings and %d chats on the desk, want 1", n, len(o.chats(t)))
	}
	if n := o.count(continuing); n != 1 {
		t.Errorf("the user is greeted %d times", n)
	}
	if n := o.count(startAgain); n != copies-1 {
		t.Errorf("the user is told %d times to start again, want %d", n, copies-1)
	}
}

// TestR20_81_what_is_no_good_reveals_nothing: and tells the user, in words.
func TestR20_81_what_is_no_good_reveals_nothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{}, ownBot)
	megan, alex := newOwn(t, w, "Megan"), newOwn(t, w, "Alex")
	token := megan.link(t, "very private")

	for name, value := range map[string]any{
		"missing": map[string]any{}, "empty": map[string]any{"continuation": ""}, "a number": map[string]any{"continuation": 7}, "no object": "x",
	} {
		if status, answer := megan.invoke(t, "bad "+name, "handoff/action", value); status != http.StatusBadRequest {
			t.Errorf("%s: status %d %s, want 400", name, status, answer)
		}
	}
	if status, answer := alex.follow(t, "f:foreign", token); status != http.StatusOK || answer != "" {
		t.Errorf("another user: status %d %s, want an empty 200", status, answer)
	}
	alex.told(t, notHere)
	elsewhere := megan.activity(t, "f:tenant", "invoke", map[string]any{"name": "handoff/action", "value": map[string]any{"continuation": token}})
	elsewhere["conversation"] = map[string]any{"id": string(megan.user.Conversation()), "tenantId": strangerID}
	if status, answer := megan.post(t, "/api/messages", megan.token, elsewhere); status != http.StatusOK || answer != "" {
		t.Errorf("another tenant: status %d %s, want an empty 200", status, answer)
	}
	megan.told(t, notHere)
	if status, answer := megan.follow(t, "f:unknown", "test-continuation-token"); status != http.StatusOK || answer != "" {
		t.Errorf("unknown: status %d %s, want an empty 200", status, answer)
	}
	eventually(t, "the user is told twice", func() bool { return megan.count(notHere) == 2 })

	if _, err := w.db.Exec(t.Context(), `UPDATE handoff SET expires_at = now()`); err != nil {
		t.Fatal(err)
	}
	if status, answer := megan.follow(t, "f:late", token); status != http.StatusOK || answer != "" {
		t.Errorf("expired: status %d %s, want an empty 200", status, answer)
	}
	megan.told(t, startAgain)
	if n := len(w.chats(t)); n != 0 {
		t.Errorf("%d chats on the desk, want none", n)
	}
}

// TestR20_nothing_is_lost_or_doubled_between_redemption_and_escalation: one
// transaction does both, so a failure in it leaves the link good.
func TestR20_nothing_is_lost_or_doubled_between_redemption_and_escalation(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	token := o.link(t, "not lost")
	for _, sql := range []string{
		`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$`,
		`CREATE TRIGGER broken BEFORE INSERT ON mapping EXECUTE FUNCTION broken()`,
	} {
		if _, err := o.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if status, answer := o.follow(t, "f:1", token); status != http.StatusServiceUnavailable {
		t.Fatalf("status %d %s, want 503", status, answer)
	}
	if _, err := o.db.Exec(t.Context(), `DROP TRIGGER broken ON mapping`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // Teams' retry, and one more
		if status, answer := o.follow(t, "f:1", token); status != http.StatusOK {
			t.Fatalf("status %d %s, want 200", status, answer)
		}
	}
	o.told(t, continuing)
	if c := o.chat(t); c.Problem != "not lost" {
		t.Errorf("the desk shows %+v", c)
	}
	o.settled(t)
	if o.count(continuing) != 1 || o.count(startAgain) != 0 || len(o.chats(t)) != 1 {
		t.Errorf("the user sees %q, the desk %d chats", byAuthor(o.user, sandbox.ByAgent), len(o.chats(t)))
	}
}

// TestR20_a_second_link_tells_the_agent: who is talking already goes on talking.
func TestR20_a_second_link_tells_the_agent(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	for i, reason := range []string{"a chair", "a table"} {
		if status, answer := o.follow(t, fmt.Sprint("f:", i), o.link(t, reason)); status != http.StatusOK {
			t.Fatalf("status %d %s", status, answer)
		}
		o.told(t, "You are next in the queue.")
	}
	c := o.chat(t)
	eventually(t, "both reasons on the desk", func() bool {
		said := o.said(t, c.ID)
		return len(said) > 0 && said[len(said)-1] == "a table"
	})
	offered := o.offer(t, map[string]any{"summary": "and a lamp", "transcript": []any{
		map[string]any{"role": "user", "text": "why no lamp?"}, map[string]any{"role": "copilot", "text": "I do not know"},
	}})
	if status, answer := o.follow(t, "f:lamp", offered); status != http.StatusOK {
		t.Fatalf("status %d %s", status, answer)
	}
	want := "and a lamp\nMegan: why no lamp?\nCopilot: I do not know"
	eventually(t, "what was said in Copilot on the desk", func() bool {
		said := o.said(t, c.ID)
		return said[len(said)-1] == want
	})
}

// TestR20_83_other_invokes: what users think of answers is taken, what nobody knows
// is 501.
func TestR20_83_other_invokes(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	for name, want := range map[string]string{
		"message/submitAction": "200",
		"task/fetch":           `501{"error":"invoke task/fetch is not supported"}`,
	} {
		status, answer := o.invoke(t, "i:"+name, name, map[string]any{"actionName": "feedback"})
		if got := fmt.Sprint(status, answer); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if status, answer := o.invoke(t, "i:query", "composeExtension/query", map[string]any{}); status != http.StatusBadRequest {
		t.Errorf("a query without a command: status %d %s, want 400", status, answer)
	}
	// A skill host's invokes end with the host.
	a := o.activity(t, "i:skill", "invoke", map[string]any{"name": "handoff/action", "value": map[string]any{"continuation": "x"}})
	skill := sandboxtest.Mint(t, o.sandbox, sandbox.Token{})
	if status, answer := o.post(t, "/api/messages", skill, a); status != http.StatusNotImplemented {
		t.Errorf("from a skill host: status %d %s, want 501", status, answer)
	}
}

// TestOwnChat_offers_a_person_and_passes_words_on.
func TestOwnChat_offers_a_person_and_passes_words_on(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	o.says(t, "m1", "Hello?", nil)
	line := o.told(t, help)
	if len(line.Cards) != 1 || len(line.Cards[0].Actions()) != 1 || line.Cards[0].Actions()[0].Title != person {
		t.Fatalf("the help comes with %+v, want a button", line.Cards)
	}
	o.says(t, "m2", person, map[string]any{"value": line.Cards[0].Actions()[0].Value})
	o.told(t, "You are next in the queue.")
	c := o.chat(t)
	o.says(t, "m3", "Are you there?", nil)
	o.says(t, "m3", "Are you there?", nil) // Teams repeats it
	eventually(t, "the user's words on the desk", func() bool {
		return cmp.Equal(o.said(t, c.ID), []string{"Are you there?"})
	})
	if n := len(o.chats(t)); n != 1 || o.count(help) != 1 {
		t.Errorf("%d chats, %d times help; want 1 of each", n, o.count(help))
	}
}

// TestOwnChat_opens_for_who_writes_what_the_button_says: as clients without cards do.
func TestOwnChat_opens_for_who_writes_what_the_button_says(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	o.says(t, "m1", " talk to a PERSON ", nil)
	o.told(t, "You are next in the queue.")
	o.chat(t)
}

// TestOwnChat_greets_once: Teams tells of an installation twice.
func TestOwnChat_greets_once(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	for i, a := range []map[string]any{
		o.activity(t, "1", "conversationUpdate", map[string]any{"membersAdded": []any{map[string]any{"id": "28:" + copilotID}}}),
		o.activity(t, "2", "installationUpdate", map[string]any{"action": "add"}),
		o.activity(t, "3", "installationUpdate", map[string]any{"action": "add-upgrade"}),
		o.activity(t, "4", "conversationUpdate", map[string]any{"membersAdded": []any{map[string]any{"id": "29:somebody"}}}),
	} {
		if status, answer := o.post(t, "/api/messages", o.token, a); status != http.StatusAccepted {
			t.Errorf("%d: status %d %s, want 202", i, status, answer)
		}
	}
	const welcome = "Welcome. When you need a person, I connect you here."
	o.told(t, welcome)
	o.settled(t)
	if n := o.count(welcome); n != 1 || len(byAuthor(o.user, sandbox.ByAgent)) != 1 {
		t.Errorf("the user sees %q", byAuthor(o.user, sandbox.ByAgent))
	}
}

// TestOwnChat_says_in_a_group_that_it_talks_to_one_at_a_time.
func TestOwnChat_says_in_a_group_that_it_talks_to_one_at_a_time(t *testing.T) {
	t.Parallel()
	o := newOwn(t, newWorld(t, sandbox.Config{}, ownBot), "Megan")
	for i, kind := range []string{"groupChat", "channel"} {
		o.says(t, fmt.Sprint("m", i), person, map[string]any{"conversation": map[string]any{
			"id": string(o.user.Conversation()), "conversationType": kind, "isGroup": true, "tenantId": tenantID,
		}})
	}
	const group = "I can connect one person at a time. Please write to me in a chat of our own."
	eventually(t, "both are answered", func() bool { return o.count(group) == 2 })
	if n := o.mappings(t, "opening", "waiting", "active"); n != 0 {
		t.Errorf("%d mappings, want none", n)
	}
}

// TestR20_one_user_asks_so_often_only.
func TestR20_one_user_asks_so_often_only(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{}, ownBot, "LIAISON_HANDOFF_PER_USER=0.001", "LIAISON_HANDOFF_PER_USER_BURST=2")
	megan, alex := newOwn(t, w, "Megan"), newOwn(t, w, "Alex")
	query := map[string]any{"commandId": "talkToPerson"}
	for i, want := range []int{200, 200, 429} {
		if status, answer := megan.invoke(t, "", "composeExtension/query", query); status != want {
			t.Errorf("query %d: status %d %s, want %d", i, status, answer, want)
		}
	}
	if status, answer := alex.invoke(t, "", "composeExtension/query", query); status != http.StatusOK {
		t.Errorf("somebody else: status %d %s, want 200", status, answer)
	}
}
