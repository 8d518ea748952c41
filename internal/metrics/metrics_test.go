package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/delivery"
	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/internal/metrics"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/migrations"
	"github.com/liaison-skill/liaison/proactive"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// scrape returns the samples of the service, by name and labels as printed.
func scrape(tb testing.TB, m *metrics.Metrics) map[string]float64 {
	tb.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		tb.Fatalf("status %d: %s", w.Code, w.Body)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		name, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || !strings.HasPrefix(name, "liaison_") {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		check(tb, err)
		samples[name] = n
	}
	return samples
}

// conserved checks R2's sum in one scrape and reports how much was accepted and
// how much is pending.
func conserved(tb testing.TB, samples map[string]float64) (accepted, pending float64) {
	tb.Helper()
	of := func(name string) float64 { return samples["liaison_"+name+`{destination="hub/canary"}`] }
	sum := of("delivered") + of("dead") + of("held") + of("pending")
	if of("accepted") != sum || min(of("delivered"), of("dead"), of("held"), of("pending")) < 0 {
		tb.Fatalf("accepted %v, but the parts make %v: %v", of("accepted"), sum, samples)
	}
	return of("accepted"), of("pending")
}

// refusal is a peer's no.
type refusal struct{}

func (refusal) Error() string   { return "secret words" }
func (refusal) Permanent() bool { return true }

// peer refuses every third line, and is away once for every seventh.
func peer() *delivery.Destination[int] {
	away := make(chan struct{}, 1)
	return &delivery.Destination[int]{Name: "hub/canary", Send: func(_ context.Context, n int) error {
		switch {
		case n%3 == 0:
			return refusal{}
		case n%7 == 0:
			select {
			case away <- struct{}{}:
				return errors.New("secret words")
			case <-away:
			}
		}
		return nil
	}}
}

func outbox(tb testing.TB, pool *pgxpool.Pool, m delivery.Meter, d *delivery.Destination[int]) *delivery.Outbox {
	tb.Helper()
	o := delivery.New(pool, slog.New(slog.DiscardHandler), delivery.Config{
		Concurrency: 8, Lease: 10 * time.Second, Poll: 10 * time.Millisecond, Timeout: 3 * time.Second, Faults: 4,
		GiveUp: time.Minute, Backoff: time.Millisecond, BackoffMax: 10 * time.Millisecond, Drain: 5 * time.Second, Meter: m,
	}, "replica", d)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		check(tb, <-done)
	})
	return o
}

// TestConservation: in every scrape under traffic, what was accepted is
// delivered, dead, held or pending.
func TestConservation(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	m, d := metrics.New(pool), peer()
	o := outbox(t, pool, m, d)
	const total = 300
	sent, scraped := make(chan error, 1), make(chan struct{})
	go func() {
		for n := range total {
			if n%100 == 50 { // however slow scrapes are, some are in between
				<-scraped
			}
			err := o.Transact(t.Context(), func(tx *delivery.Tx) error {
				item, err := d.Item(delivery.Header{Conversation: fmt.Sprint("19:secret", n%10), Key: "secret"}, n)
				if err == nil {
					_, err = tx.Enqueue(t.Context(), item)
				}
				return err
			})
			if err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	deadline, scrapes := time.Now().Add(time.Minute), 0
	for {
		accepted, pending := conserved(t, scrape(t, m))
		if scrapes++; accepted == total && pending == 0 {
			break
		}
		select {
		case scraped <- struct{}{}:
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("not all have their outcome")
		}
	}
	check(t, <-sent)
	end := scrape(t, m)
	if scrapes < 3 || end[`liaison_dead{destination="hub/canary"}`] != total/3 || end[`liaison_delivered{destination="hub/canary"}`] != total*2/3 {
		t.Errorf("after %d scrapes: %v", scrapes, end)
	}
	for sample, want := range map[string]float64{
		`liaison_attempt_seconds_count{class="delivered",destination="hub/canary"}`: total * 2 / 3,
		`liaison_attempt_seconds_count{class="refused",destination="hub/canary"}`:   total / 3,
		`liaison_oldest_pending_seconds{destination="hub/canary"}`:                  0,
	} {
		if got, ok := end[sample]; !ok || got != want {
			t.Errorf("%s is %v, want %v", sample, got, want)
		}
	}
}

// TestLabels: a label is one of four, and no id, name or word is a value.
func TestLabels(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t, migrations.Schema())
	m, d := metrics.New(pool), peer()
	talk(t, pool)
	o := outbox(t, pool, m, d)
	for n := range 5 {
		check(t, o.Transact(t.Context(), func(tx *delivery.Tx) error {
			item, err := d.Item(delivery.Header{Conversation: "19:secret", Scope: "secret", Key: fmt.Sprint("secret", n)}, n)
			check(t, err)
			_, err = tx.Enqueue(t.Context(), item)
			return err
		}))
	}
	m.Waited("hub/canary", time.Second)
	m.SkillAnswered(http.StatusAccepted)
	m.WebhookAnswered(http.StatusTeapot)
	m.Handoffs(handoff.Made, 1)
	for {
		if accepted, pending := conserved(t, scrape(t, m)); accepted == 5 && pending == 0 {
			break
		}
	}
	values := map[string][]string{
		"destination": {"hub/canary"},
		"class":       {"delivered", "unavailable", "fault", "refused", "expired", "unreachable", "lost"},
		"state":       {"opening", "waiting", "active", "ending", "copilot", "passing", "people"},
		"outcome":     {"accepted", "refused", "failed", "made", "redeemed", "replayed", "late", "unknown", "expired"},
		"le":          nil, // a histogram's own
	}
	label := regexp.MustCompile(`[{,](\w+)="([^"]*)"`)
	seen := map[string]bool{}
	for sample := range scrape(t, m) {
		if strings.Contains(sample, "secret") {
			t.Errorf("%s tells", sample)
		}
		for _, found := range label.FindAllStringSubmatch(sample, -1) {
			allowed, known := values[found[1]]
			seen[found[1]] = true
			if !known || allowed != nil && !slices.Contains(allowed, found[2]) {
				t.Errorf("%s has the label %s=%q", sample, found[1], found[2])
			}
		}
	}
	if len(seen) != len(values) {
		t.Errorf("saw the labels %v", seen)
	}
}

// talk makes an open conversation full of what must not show.
func talk(tb testing.TB, pool *pgxpool.Pool) {
	tb.Helper()
	made, _, err := mapping.Reserve(tb.Context(), pool, mapping.Mapping{
		Key: mapping.Key{BotAppID: "secret", Conversation: "19:secret"}, Tenant: "secret", User: "29:secret", Hub: "canary",
		Teams: proactive.Target{User: activity.Account{Name: "secret"}},
	})
	check(tb, err)
	check(tb, mapping.Opened(tb.Context(), pool, made.ID, livechat.ConversationID("secret"), livechat.QueueState{}))
	check(tb, mapping.Append(tb.Context(), pool, mapping.Entry{Mapping: made.ID, Side: mapping.User, Name: "secret", Text: "secret"}))
}

// TestDatabaseAway: the process's own numbers are there without the database's.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://user:secret@127.0.0.1:1/db?connect_timeout=1")
	check(t, err)
	t.Cleanup(pool.Close)
	m := metrics.New(pool)
	m.SkillAnswered(http.StatusServiceUnavailable)
	samples := scrape(t, m)
	if samples["liaison_database_up"] != 0 || samples[`liaison_skill_requests_total{outcome="failed"}`] != 1 {
		t.Errorf("scraped %v", samples)
	}
}

// TestRated counts what users think of the help.
func TestRated(t *testing.T) {
	t.Parallel()
	m := metrics.New(pgtest.DB(t, migrations.Schema()))
	for _, score := range []int{5, 1, 5} {
		m.Rated("contoso", score)
	}
	got := scrape(t, m)
	if got[`liaison_survey_answers_total{hub="contoso",score="5"}`] != 2 || got[`liaison_survey_answers_total{hub="contoso",score="1"}`] != 1 {
		t.Errorf("counts %v", got)
	}
}

// TestTokens counts answers by what they mean for us, and hands them on.
func TestTokens(t *testing.T) {
	t.Parallel()
	statuses := map[string]int{"/ok": 200, "/no": 401, "/later": 503, "/slower": 429}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(statuses[r.URL.Path])
	}))
	m := metrics.New(pgtest.DB(t, migrations.Schema()))
	client := &http.Client{Transport: m.Tokens(srv.Client().Transport)}
	get := func(path string) (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, http.NoBody)
		check(t, err)
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, errors.Join(err, resp.Body.Close())
	}
	for path, want := range statuses {
		if got, err := get(path); err != nil || got != want {
			t.Errorf("%s: status %d, %v", path, got, err)
		}
	}
	srv.Close()
	if _, err := get("/gone"); err == nil {
		t.Error("nobody answered, and there is no error")
	}
	samples := scrape(t, m)
	for outcome, want := range map[string]float64{"accepted": 1, "refused": 1, "failed": 3} {
		if got := samples[`liaison_token_fetches_total{outcome="`+outcome+`"}`]; got != want {
			t.Errorf("%s %v times, want %v", outcome, got, want)
		}
	}
}
