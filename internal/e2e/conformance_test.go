package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// TestConformance holds the service to what is known of its peers, through its own
// doors: each subtest is a statement and its number, in a world with the settings
// it needs. What must be refused must leave no trace, in any table and at any
// peer.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]func(*testing.T){
		"one tenant": oneTenant, "several tenants": severalTenants, "no callers": withoutCallers,
		"hubs and keys": hubsAndKeys, "connector hosts": connectorHosts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold(t)
		})
	}
}

// A ledger is a world that keeps count of everything a request could lead to.
type ledger struct {
	*world
	hubCalls atomic.Int64

	mu      sync.Mutex
	tables  string   // the query that digests all of them
	tokens  []string // every one that was minted
	opening int      // conversations that were tried
}

// newLedger makes a ledger with the service in this process.
func newLedger(tb testing.TB, settings ...string) *ledger {
	tb.Helper()
	l := buildLedger(tb)
	l.start(tb, settings...)
	return l
}

// start starts the service in this process.
func (l *ledger) start(tb testing.TB, settings ...string) {
	tb.Helper()
	l.environ = append(l.environ, settings...)
	l.service.start()
	tb.Cleanup(l.service.stop)
}

// buildLedger makes a world up to the service, with the hub behind a counter.
// Strangers are many here, and are not limited.
func buildLedger(tb testing.TB) *ledger {
	tb.Helper()
	l := &ledger{world: build(tb, sandbox.Config{BotAppID: skillID}, "CONTOSO_QUEUE_NEWS=0")} // which nobody asks for
	hub, err := url.Parse(l.hub.url())
	if err != nil {
		tb.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.Method != http.MethodGet { // questions change nothing
			l.hubCalls.Add(1)
		}
		r.SetURL(hub)
	}}
	s := httptest.NewServer(proxy)
	tb.Cleanup(s.Close)
	l.environ = append(l.environ, "LIAISON_RATE_PER_IP=0", "LIAISON_HUB_CONTOSO_URL="+s.URL)
	return l
}

// A state is all that a request could have changed.
type state struct {
	Tables                                  map[string]string // rows and their digest
	HubCalls, Connector, SkillHost, TokenRq int
}

// state waits until every promise is kept and returns what there is then.
func (l *ledger) state(tb testing.TB) state {
	tb.Helper()
	l.settled(tb)
	rows, err := l.db.Query(tb.Context(), l.digest(tb))
	if err != nil {
		tb.Fatal(err)
	}
	s := state{
		Tables:    map[string]string{},
		HubCalls:  int(l.hubCalls.Load()),
		Connector: len(l.sandbox.Requests(sandbox.Connector)),
		SkillHost: len(l.sandbox.Requests(sandbox.SkillHost)),
		TokenRq:   len(l.sandbox.TokenRequests()),
	}
	var table, content string
	_, err = pgx.ForEachRow(rows, []any{&table, &content}, func() error {
		s.Tables[table] = content
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// digest is the query for the number of every table's rows and a hash of them.
func (l *ledger) digest(tb testing.TB) string {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tables != "" {
		return l.tables
	}
	rows, err := l.db.Query(tb.Context(), `
		SELECT format('SELECT %L, count(*) || '' rows '' || coalesce(md5(string_agg(j, '','' ORDER BY j)), '''') FROM (SELECT (to_jsonb(t) - ''wake_at'')::text AS j FROM %I.%I t) AS t',
			table_name, table_schema, table_name)
		FROM information_schema.tables
		WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
		  AND table_name <> 'pace'`) // schedules say nothing of what had an effect
	if err != nil {
		tb.Fatal(err)
	}
	parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatal(err)
	}
	l.tables = strings.Join(parts, " UNION ALL ")
	for _, known := range []string{"'mapping'", "'delivery'", "'accepted'", "'lane'", "'entry'", "'attempt'"} {
		if !strings.Contains(l.tables, known) {
			tb.Fatalf("no table %s among those compared", known)
		}
	}
	return l.tables
}

// settled waits until nothing is left to deliver and every lane is idle.
func (l *ledger) settled(tb testing.TB) {
	tb.Helper()
	eventually(tb, "nothing left to deliver", func() bool {
		var busy int
		err := l.db.QueryRow(tb.Context(), `SELECT count(*) FROM lane WHERE acked_seq < last_seq OR ready_at IS NOT NULL`).Scan(&busy)
		return err == nil && busy == 0
	})
}

// unchanged does something that must have no effect, at any peer or in any table.
func (l *ledger) unchanged(tb testing.TB, do func()) {
	tb.Helper()
	before := l.state(tb)
	do()
	if diff := cmp.Diff(before, l.state(tb)); diff != "" {
		tb.Errorf("it had an effect (-before +after):\n%s", diff)
	}
}

func (l *ledger) mint(tb testing.TB, token sandbox.Token) string {
	tb.Helper()
	token.Claims = timely(token.Claims)
	raw := sandboxtest.Mint(tb, l.sandbox, token)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, raw)
	return raw
}

// A statement is one of the conformance statements, and what shows that it holds.
// Its name begins with its number.
type statement struct {
	name     string
	attempts []attempt
	check    func(t *testing.T) // what no attempt can show; may be nil
}

// An attempt is a call of the skill that would open a hub conversation.
type attempt struct {
	name   string
	token  sandbox.Token
	header func(token string) string // the Authorization header, when it is not Bearer
	change map[string]any            // of the activity; nil members go
	want   int                       // 202 opens the conversation, anything else has no effect at all
	owner  string                    // whose bot's the conversation is then; the copilot's when empty
}

// hold tries all attempts, one after the other: they compare what there is before
// and after.
func (l *ledger) hold(t *testing.T, statements ...statement) {
	t.Helper()
	for _, s := range statements {
		t.Run(s.name, func(t *testing.T) {
			for _, a := range s.attempts {
				t.Run(a.name, func(t *testing.T) { l.try(t, a) })
			}
			if s.check != nil {
				s.check(t)
			}
		})
	}
}

func (l *ledger) try(t *testing.T, a attempt) {
	t.Helper()
	l.opening++
	user := l.sandbox.User(fmt.Sprint("Person", l.opening))
	if a.owner == skillID {
		user = user.Bot()
	}
	conversation := string(user.Conversation())
	body := turn(l.world, fmt.Sprint("turn", l.opening), event("startConversation"))
	body["conversation"] = map[string]any{"id": conversation, "conversationType": "personal", "tenantId": tenantID}
	if a.token.Kind == sandbox.ChannelCall || a.owner == skillID {
		body["serviceUrl"] = l.sandbox.URL() + "/teams/"
	}
	for name, value := range a.change {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	authorization := "Bearer " + l.mint(t, a.token)
	if a.header != nil {
		authorization = a.header(strings.TrimPrefix(authorization, "Bearer "))
	}
	knock := func() {
		t.Helper()
		status, answer := l.post(t, "/api/messages", "", body, "Authorization", authorization)
		if status != a.want {
			t.Errorf("status %d %s, want %d", status, answer, a.want)
		}
		if status == http.StatusUnauthorized && answer != `{"error":"a valid bearer token is required"}` {
			t.Errorf("the answer says more than it must: %s", answer)
		}
	}
	if a.want == http.StatusAccepted {
		l.opens(t, a, conversation, knock)
	} else {
		l.unchanged(t, knock)
	}
}

// opens holds that the hub has the conversation after knock, and who was told.
func (l *ledger) opens(t *testing.T, a attempt, conversation string, knock func()) {
	t.Helper()
	before := l.state(t)
	knock()
	after := l.state(t)
	owner, hosts, connectors := copilotID, 1, 0
	if a.owner != "" {
		owner, hosts, connectors = a.owner, 0, 1 // a channel waits for no answer; its user is told
	}
	var state, bot string
	err := l.db.QueryRow(t.Context(), `SELECT state, bot_app_id FROM mapping WHERE conversation_id = $1`, conversation).Scan(&state, &bot)
	if err != nil || state != "waiting" || bot != owner {
		t.Errorf("the mapping is %s, of %s, %v; want it waiting, of %s", state, bot, err, owner)
	}
	if before.Tables["mapping"] == after.Tables["mapping"] {
		t.Error("a mapping that is there was not counted")
	}
	if n := after.HubCalls - before.HubCalls; n != 1 {
		t.Errorf("%d calls at the hub, want 1", n)
	}
	if n := after.SkillHost - before.SkillHost; n != hosts {
		t.Errorf("%d calls at the skill host, want %d", n, hosts)
	}
	if n := after.Connector - before.Connector; n != connectors {
		t.Errorf("%d calls at the connector, want %d", n, connectors)
	}
}

// claims are claims to replace; nil ones go.
func claims(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return all
}
