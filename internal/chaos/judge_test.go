package chaos

import (
	"strings"
	"testing"
	"time"
)

// The judge of the runs has to find what the service must not do. Each row bends
// good evidence in one way.
func TestJudge(t *testing.T) {
	t.Parallel()
	one, two := wordID{0, toTeams, 1}, wordID{0, toTeams, 2}
	heard, lane := wordID{0, toHub, 1}, wordLane{0, toTeams}
	first, second := incarnation{"r1", 1}, incarnation{"r1", 2}
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	twice := func(e *evidence, a arrival) {
		e.at[lane] = []wordID{one, one, two}
		a.word, a.at, a.over, a.done = one, at(20), at(21), true
		e.arrivals = append(e.arrivals, &a, &arrival{word: one, by: second, at: at(500), over: at(501), done: true, clean: true})
	}
	dead := func(e *evidence, id wordID) {
		e.fates[id] = fate{State: "dead"}
		e.notices = map[direction]int{toHub: 1}
	}
	for name, row := range map[string]struct {
		bend func(e *evidence)
		want string // begins the only complaint; empty: none
	}{
		"all is well": {func(*evidence) {}, ""},
		"lost in the store": {func(e *evidence) {
			delete(e.fates, one)
			e.at[lane] = []wordID{two}
		}, "R1: c0a1 was accepted"},
		"given back to the copilot": {func(e *evidence) {
			delete(e.fates, heard)
			delete(e.at, wordLane{0, toHub})
			e.ties = map[int][]tie{0: {{State: "failed"}}}
		}, ""},
		"lost at the peer":         {func(e *evidence) { e.at[lane] = []wordID{two} }, "R1: c0a1 counts as delivered"},
		"left behind":              {func(e *evidence) { e.fates[two] = fate{State: "pending"} }, "R1: c0a2 is still pending"},
		"delivered by nobody":      {func(e *evidence) { e.fates[two] = fate{State: "delivered", Lane: "l", Seq: 2} }, "R2: c0a2"},
		"dead and visible":         {func(e *evidence) { dead(e, two); e.at[lane] = []wordID{one} }, ""},
		"dead and there, too late": {func(e *evidence) { dead(e, one); e.at[lane] = []wordID{two, one} }, ""},
		"dead and nobody told": {func(e *evidence) {
			dead(e, one)
			e.notices, e.ties = nil, map[int][]tie{0: {{State: "active"}}}
		}, "R1: 1 dead lines"},
		"dead, and nobody there to tell": {func(e *evidence) {
			dead(e, one)
			e.at[lane] = []wordID{two}
			e.notices, e.ties = nil, map[int][]tie{0: {{State: "closed"}}}
		}, ""},
		"not accepted, not there": {func(e *evidence) {
			e.words = append(e.words, &word{id: wordID{0, toTeams, 3}, sent: at(9)})
		}, ""},
		"somebody else's":    {func(e *evidence) { e.at[wordLane{1, toTeams}] = []wordID{one} }, "R1: c0a1 arrived in conversation 1"},
		"said by nobody":     {func(e *evidence) { e.at[lane] = []wordID{one, two, {0, toTeams, 9}} }, "R1: c0a9 arrived"},
		"order of the store": {func(e *evidence) { e.words[1].sent = at(1); e.at[lane] = []wordID{two, one} }, "R3: c0a2, number 2"},
		"order of the sender": {func(e *evidence) {
			e.fates[one], e.fates[two] = e.fates[two], e.fates[one]
			e.at[lane] = []wordID{two, one}
		}, "R3: c0a2 arrived before c0a1"},
		"two at the hub":               {func(e *evidence) { e.at[wordLane{0, toHub}] = []wordID{heard, heard} }, "R5: c0u1 is at the hub 2"},
		"a copy without a reason":      {func(e *evidence) { twice(e, arrival{by: first, clean: true}) }, "R5: c0a1 was sent again"},
		"a copy after a broken answer": {func(e *evidence) { twice(e, arrival{by: first, fault: doneReset}) }, ""},
		"a copy after a kill": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{"kill", first, at(30), at(31)}}
		}, ""},
		"a copy long before a kill": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{"kill", first, at(600), at(601)}}
		}, "R5: c0a1 was sent again"},
		"a copy after somebody else's kill": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{"kill", incarnation{"r2", 1}, at(30), at(31)}}
		}, "R5: c0a1 was sent again"},
		"a copy after a short stop": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{"freeze", first, at(30), at(130)}}
		}, "R5: c0a1 was sent again"},
		"a copy after a long stop": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{"freeze", first, at(10), at(3000)}}
		}, ""},
		"a copy without a database": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{"database", incarnation{}, at(10), at(300)}}
		}, ""},
		"a copy after a late answer": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.arrivals[0].over = at(450)
			e.fates[one] = fate{State: "delivered", Lane: "l", Seq: 1, Delivered: 1, Ambiguous: 1}
		}, ""},
		"a copy after an answer that found the sender held up": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.fates[one] = fate{State: "delivered", Lane: "l", Seq: 1, Delivered: 1, Ambiguous: 1, Late: 1}
		}, ""},
		"a copy while the machine stood still": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.blows = []blow{{stall, incarnation{}, at(10), at(400)}}
		}, ""},
		"a copy after a late answer that was heard": {func(e *evidence) {
			twice(e, arrival{by: first, clean: true})
			e.arrivals[0].over = at(450)
		}, "R5: c0a1 was sent again"},
		"a copy the network does not know": {func(e *evidence) { e.at[lane] = []wordID{one, one, two} }, "R5: c0a1 is in Teams 2 times, and"},
		"too many copies": {func(e *evidence) {
			twice(e, arrival{by: first, fault: doneReset})
			e.at[lane] = []wordID{one, one, one, two}
			e.arrivals = append(e.arrivals, &arrival{word: one, by: second, at: at(900), done: true, clean: true})
		}, "R5: c0a1 is in Teams 3 times"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := evidence{
				words: []*word{
					{id: one, sent: at(0), accepted: at(2), posts: 1},
					{id: two, sent: at(3), accepted: at(5), posts: 1},
					{id: heard, sent: at(0), accepted: at(2), posts: 1},
				},
				at: map[wordLane][]wordID{lane: {one, two}, {0, toHub}: {heard}},
				fates: map[wordID]fate{
					one:   {State: "delivered", Key: one.String(), Lane: "l", Seq: 1, Delivered: 1},
					two:   {State: "delivered", Key: two.String(), Lane: "l", Seq: 2, Delivered: 1},
					heard: {State: "delivered", Key: heard.String(), Lane: "h", Seq: 1, Delivered: 1},
				},
				lease: time.Second, timeout: time.Second, most: 2,
			}
			row.bend(&e)
			wrong := judge(e).wrong
			if row.want == "" && len(wrong) > 0 || row.want != "" && (len(wrong) != 1 || !strings.HasPrefix(wrong[0], row.want)) {
				t.Errorf("complaints %q, want only %q", wrong, row.want)
			}
		})
	}
}

// TestTies: a conversation is over on both sides, or on neither.
func TestTies(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		tie  tie
		chat *chat
		ok   bool
	}{
		"open":                  {tie{State: "active"}, &chat{}, true},
		"open here only":        {tie{State: "waiting"}, &chat{ended: true}, false},
		"open nowhere else":     {tie{State: "waiting"}, nil, false},
		"never opened":          {tie{State: "failed"}, nil, true},
		"an orphan was closed":  {tie{State: "failed"}, &chat{ended: true}, true},
		"an orphan":             {tie{State: "failed"}, &chat{}, false},
		"left by the user":      {tie{State: "closed", ClosedBy: "user"}, &chat{ended: true}, true},
		"the hub does not know": {tie{State: "closed", ClosedBy: "user"}, &chat{}, false},
		"ended by the agent":    {tie{State: "closed", ClosedBy: "agent"}, &chat{}, true},
		"stuck":                 {tie{State: "opening"}, nil, false},
	} {
		v := &verdict{}
		v.checkTie("Ann", row.tie, row.chat)
		if got := len(v.wrong) == 0; got != row.ok {
			t.Errorf("%s: %q", name, v.wrong)
		}
	}
}

// TestBalance: books that do not balance are found.
func TestBalance(t *testing.T) {
	t.Parallel()
	good := balance{Destination: "teams", Stored: 10, Numbered: 10, Delivered: 6, Pending: 1, Dead: 1, Held: 1, Other: 1}
	for name, row := range map[string]struct {
		bend func(b *balance)
		ok   bool
	}{
		"good":                 {func(*balance) {}, true},
		"one has no state":     {func(b *balance) { b.Delivered-- }, false},
		"one has two":          {func(b *balance) { b.Dead++ }, false},
		"a number was dropped": {func(b *balance) { b.Numbered++ }, false},
	} {
		b := good
		row.bend(&b)
		if got := b.problem() == ""; got != row.ok {
			t.Errorf("%s: balances: %t, want %t", name, got, row.ok)
		}
	}
}

// TestWordForm: a word is found in the text that a peer shows.
func TestWordForm(t *testing.T) {
	t.Parallel()
	for _, id := range []wordID{{0, toHub, 1}, {199, toTeams, 10_000}} {
		if got, ok := findWord("**Bo**: " + id.String()); !ok || got != id {
			t.Errorf("found %v, %t; want %v", got, ok, id)
		}
	}
	if got, ok := findWord("Not delivered."); ok {
		t.Errorf("found %v where there is none", got)
	}
}
