package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/internal/schema"
	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// probes serves the probes of a service on pool.
func probes(pool *pgxpool.Pool) *gin.Engine {
	log := slog.New(slog.DiscardHandler)
	r := web.NewEngine(log)
	h := &health{pool: pool, log: log}
	h.Mount(r)
	return r
}

func probe(tb testing.TB, r http.Handler, path string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, path, http.NoBody))
	return w
}

// becomes probes until the answer is a status with a text: on a busy machine the
// database may be silent for longer than a probe waits.
func becomes(tb testing.TB, r http.Handler, status int, text string) *httptest.ResponseRecorder {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		w := probe(tb, r, "/readyz")
		if w.Code == status && strings.Contains(w.Body.String(), text) {
			return w
		}
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("status %d: %s; want %d with %q", w.Code, w.Body, status, text)
		}
	}
}

// nobody is a pool on a database that does not answer.
func nobody(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), "postgres://user:canary@127.0.0.1:1/db?connect_timeout=1")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

func TestReady(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pool *pgxpool.Pool
		want int
		text string
	}{
		"ready":                 {pgtest.DB(t, migrations.Schema()), http.StatusOK, "ready"},
		"the schema is missing": {pgtest.DB(t), http.StatusServiceUnavailable, "liaison migrate"},
		"the database is away":  {nobody(t), http.StatusServiceUnavailable, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := becomes(t, probes(tc.pool), tc.want, tc.text)
			if refused := w.Code != http.StatusOK; refused != (w.Header().Get("Retry-After") != "") {
				t.Errorf("status %d has Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("answer tells a secret: %s", w.Body)
			}
		})
	}
}

// TestReadyComesWithTheSchema: a service that waits for its migrations needs no
// restart.
func TestReadyComesWithTheSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	r := probes(pool)
	if w := probe(t, r, "/readyz"); w.Code != http.StatusServiceUnavailable {
		t.Fatalf("status %d before the migrations", w.Code)
	}
	if err := schema.Up(t.Context(), pool, migrations.Schema()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		becomes(t, r, http.StatusOK, "ready")
	}
}

func TestAliveWithoutADatabase(t *testing.T) {
	t.Parallel()
	if w := probe(t, probes(nobody(t)), "/healthz"); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}
