package mapping_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
)

// waitForLock blocks until a session of the test's database waits for another.
func waitForLock(tb testing.TB, db *pgxpool.Pool) {
	tb.Helper()
	const waitingSQL = `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock'`
	deadline, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for n := 0; n == 0; {
		select {
		case <-tick.C:
			check(tb, db.QueryRow(tb.Context(), waitingSQL).Scan(&n))
		case <-deadline:
			tb.Fatal("nobody waits for a lock")
		}
	}
}

// ids are the mappings found, 0 for none.
func ids(found []*mapping.Mapping) []mapping.ID {
	all := make([]mapping.ID, len(found))
	for i, m := range found {
		if m != nil {
			all[i] = m.ID
		}
	}
	return all
}

func TestLockAll(t *testing.T) {
	t.Parallel()
	db := open(t)
	waiting := in(t, db, sample("waiting"), mapping.Waiting)
	in(t, db, sample("again"), mapping.Ending)
	again := in(t, db, sample("again"), mapping.Active)
	ending := in(t, db, sample("ending"), mapping.Ending)
	in(t, db, sample("closed"), mapping.Closed)
	key := func(c activity.ConversationID) mapping.Key { return mapping.Key{BotAppID: "bot", Conversation: c} }
	claim := func(m mapping.Mapping, change func(*mapping.Search)) mapping.Search {
		s := mapping.Search{Key: key("unknown"), Tenant: "tenant", User: "29:user", Hub: m.HubConversation}
		change(&s)
		return s
	}
	open := []mapping.State{mapping.Opening, mapping.Waiting, mapping.Active}
	for name, tc := range map[string]struct {
		search mapping.Search
		states []mapping.State
		want   mapping.ID
	}{
		"by conversation":                  {mapping.Search{Key: key("waiting")}, open, waiting.ID},
		"the newest of a conversation":     {mapping.Search{Key: key("again")}, append(open, mapping.Ending), again.ID},
		"another case is another one":      {mapping.Search{Key: key("Waiting")}, open, 0},
		"another copilot's":                {mapping.Search{Key: mapping.Key{BotAppID: "b2", Conversation: "waiting"}}, open, 0},
		"in no state that is asked for":    {mapping.Search{Key: key("ending")}, open, 0},
		"in the state that is asked for":   {mapping.Search{Key: key("ending")}, []mapping.State{mapping.Ending}, ending.ID},
		"closed":                           {mapping.Search{Key: key("closed")}, append(open, mapping.Ending), 0},
		"by the hub's id":                  {claim(waiting, func(*mapping.Search) {}), open, waiting.ID},
		"by the hub's id, another tenant":  {claim(waiting, func(s *mapping.Search) { s.Tenant = "t2" }), open, 0},
		"by the hub's id, another user":    {claim(waiting, func(s *mapping.Search) { s.User = "29:other" }), open, 0},
		"by the hub's id, another copilot": {claim(waiting, func(s *mapping.Search) { s.Key.BotAppID = "b2" }), open, 0},
		"by the hub's id, another state":   {claim(ending, func(*mapping.Search) {}), open, 0},
		"by no id at all":                  {claim(waiting, func(s *mapping.Search) { s.Hub = "" }), open, 0},
		"the conversation goes before":     {claim(waiting, func(s *mapping.Search) { s.Key = key("again") }), open, again.ID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := mapping.LockAll(t.Context(), db, []mapping.Search{tc.search}, tc.states...)
			check(t, err)
			if got := ids(found); got[0] != tc.want {
				t.Errorf("found mapping %d, want %d", got[0], tc.want)
			}
		})
	}
}

// TestLockAllKeepsOrder: the answer's order is the question's, whoever is asked
// for twice is there twice, and no row shows through another.
func TestLockAllKeepsOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	full := sample("full")
	full.Teams.Audience, full.Teams.Locale, full.Teams.Bot.Name = "app", "de-DE", "Bot"
	full.Host = &proactive.Target{ServiceURL: "https://host/", Audience: "host"}
	full.Connector = "https://connector/"
	a, b := in(t, db, full, mapping.Waiting), in(t, db, sample("plain"), mapping.Waiting)
	full.Key.Conversation, full.Host = "full too", &proactive.Target{ServiceURL: "https://host2/"}
	c := in(t, db, full, mapping.Waiting)
	found, err := mapping.LockAll(t.Context(), db, []mapping.Search{
		{Key: b.Key}, {Key: mapping.Key{BotAppID: "bot", Conversation: "none"}}, {Key: a.Key}, {Key: b.Key}, {Key: c.Key},
	}, mapping.Waiting)
	check(t, err)
	if diff := cmp.Diff([]*mapping.Mapping{&b, nil, &a, &b, &c}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if found[2].Host == nil || found[0] == found[3] {
		t.Error("want the host, and copies of their own")
	}
	none, err := mapping.LockAll(t.Context(), db, nil, mapping.Waiting)
	if err != nil || len(none) != 0 {
		t.Errorf("found %v, %v for no search", none, err)
	}
}

// TestLockAllSeesTheEnd: a mapping that closes while its lock is waited for is not
// found any more.
func TestLockAllSeesTheEnd(t *testing.T) {
	t.Parallel()
	db := open(t)
	m := in(t, db, sample("a"), mapping.Active)
	tx, err := db.Begin(t.Context())
	check(t, err)
	check(t, mapping.Close(t.Context(), tx, m.ID, mapping.ByUser))
	done := make(chan error, 1)
	var found []*mapping.Mapping
	go func() {
		var err error
		found, err = mapping.LockAll(t.Context(), db, []mapping.Search{{Key: m.Key}}, mapping.Waiting, mapping.Active)
		done <- err
	}()
	waitForLock(t, db)
	check(t, tx.Commit(t.Context()))
	check(t, <-done)
	if found[0] != nil {
		t.Errorf("found mapping %d in state %s", found[0].ID, found[0].State)
	}
}

func TestLockByHub(t *testing.T) {
	t.Parallel()
	db := open(t)
	a, b := in(t, db, sample("a"), mapping.Waiting), in(t, db, sample("b"), mapping.Ending)
	check(t, mapping.Close(t.Context(), db, b.ID, mapping.ByUser))
	found, err := mapping.LockByHub(t.Context(), db, "hub",
		[]livechat.ConversationID{b.HubConversation, "unknown", a.HubConversation, b.HubConversation, ""})
	check(t, err)
	if diff := cmp.Diff([]mapping.ID{b.ID, 0, a.ID, b.ID, 0}, ids(found)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	found, err = mapping.LockByHub(t.Context(), db, "another", []livechat.ConversationID{a.HubConversation})
	check(t, err)
	if found[0] != nil {
		t.Error("found a mapping by another hub's id")
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	db := open(t)
	seen := func(conversation activity.ConversationID, tenant, connector string) {
		m := sample(conversation)
		m.Tenant, m.Connector = tenant, connector
		in(t, db, m, mapping.Closed)
	}
	seen("a", "t1", "https://a-old/")
	seen("a", "t1", "https://a-new/")
	seen("a", "t1", "")
	seen("b", "t1", "https://b/")
	seen("c", "", "https://nobody/")
	for name, tc := range map[string]struct {
		conversation activity.ConversationID
		tenant, want string
	}{
		"the conversation's last":       {"a", "t1", "https://a-new/"},
		"the tenant's last":             {"new", "t1", "https://b/"},
		"the conversation's goes first": {"c", "t1", "https://nobody/"},
		"of an unknown tenant":          {"new", "t2", ""},
		"without a tenant":              {"new", "", ""},
	} {
		got, err := mapping.Connector(t.Context(), db, mapping.Key{BotAppID: "bot", Conversation: tc.conversation}, tc.tenant)
		if err != nil || got != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
}

// version changes whenever a row is written.
func version(tb testing.TB, db mapping.DB, id mapping.ID) (xmin string) {
	tb.Helper()
	check(tb, db.QueryRow(tb.Context(), `SELECT xmin::text FROM mapping WHERE id = @id`, pgx.NamedArgs{"id": id}).Scan(&xmin))
	return xmin
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	db := open(t)
	host := &proactive.Target{ServiceURL: "https://host/", Audience: "app"}
	first := mapping.Reference{Teams: sample("a").Teams, Connector: "https://c1/", Host: host, HostActive: true}
	moved := first
	moved.Connector, moved.Teams.ServiceURL = "https://c2/", "https://c2/"
	silent := first
	silent.Connector, silent.Teams.ServiceURL = "", ""
	direct := first
	direct.Host, direct.HostActive = nil, false
	for name, tc := range map[string]struct {
		refs    []mapping.Reference
		want    mapping.Reference
		written bool
	}{
		"nothing changed":              {[]mapping.Reference{first}, first, false},
		"a new connector":              {[]mapping.Reference{moved}, moved, true},
		"no connector keeps the known": {[]mapping.Reference{silent}, first, false},
		"no host any more":             {[]mapping.Reference{direct}, direct, true},
		"the last one counts":          {[]mapping.Reference{first, direct, moved}, moved, true},
		"no connector keeps the last":  {[]mapping.Reference{moved, silent}, moved, true},
		"there and back":               {[]mapping.Reference{moved, first}, first, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := in(t, db, sample(activity.ConversationID(t.Name())), mapping.Active)
			check(t, mapping.Refresh(t.Context(), db, []*mapping.Mapping{&m}, []mapping.Reference{first}))
			before := version(t, db, m.ID)
			copies := make([]*mapping.Mapping, len(tc.refs))
			for i := range copies {
				own := m
				copies[i] = &own
			}
			check(t, mapping.Refresh(t.Context(), db, copies, tc.refs))
			got, err := mapping.Get(t.Context(), db, m.ID)
			check(t, err)
			if diff := cmp.Diff(tc.want, mapping.Reference{Teams: got.Teams, Connector: got.Connector, Host: got.Host, HostActive: got.HostActive}); diff != "" {
				t.Errorf("reference (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, *copies[len(copies)-1]); diff != "" {
				t.Errorf("the caller's mapping differs from the stored (-stored +caller's):\n%s", diff)
			}
			if written := before != version(t, db, m.ID); written != tc.written {
				t.Errorf("written: %t, want %t", written, tc.written)
			}
		})
	}
}

func TestTranscriptKeepsOrder(t *testing.T) {
	t.Parallel()
	db := open(t)
	a, b := in(t, db, sample("a"), mapping.Active), in(t, db, sample("b"), mapping.Active)
	check(t, mapping.Append(t.Context(), db))
	check(t, mapping.Append(t.Context(), db,
		mapping.Entry{Mapping: a.ID, Side: mapping.User, Name: "Ann", Text: "one", Key: "k"},
		mapping.Entry{Mapping: b.ID, Side: mapping.User, Text: "elsewhere"},
		mapping.Entry{Mapping: a.ID, Side: mapping.Agent, Name: "Bo", Text: "two"}))
	check(t, mapping.Append(t.Context(), db, mapping.Entry{Mapping: a.ID, Side: mapping.System, Text: "three"}))
	entries, err := mapping.Transcript(t.Context(), db, a.ID)
	check(t, err)
	var texts []string
	for _, e := range entries {
		texts = append(texts, string(e.Side)+" "+e.Name+": "+e.Text)
		if e.At.IsZero() || e.Mapping != a.ID {
			t.Errorf("entry %+v", e)
		}
	}
	if diff := cmp.Diff([]string{"user Ann: one", "agent Bo: two", "system : three"}, texts); diff != "" {
		t.Errorf("transcript (-want +got):\n%s", diff)
	}
	if err := mapping.Append(t.Context(), db, mapping.Entry{Mapping: a.ID, Side: "robot"}); err == nil {
		t.Error("a side that does not exist was accepted")
	}
}
