package files_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/internal/env"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	partSize = 256 << 10
	maxSize  = 20 << 20
	month    = 30 * 24 * time.Hour
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// A host is where attachments are, with TLS, on loopback.
type host struct {
	*httptest.Server
	hits atomic.Int32
}

func startHost(tb testing.TB, handler http.HandlerFunc) *host {
	tb.Helper()
	h := new(host)
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.hits.Add(1)
		handler(w, r)
	}))
	h.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	tb.Cleanup(h.Close)
	return h
}

func (h *host) addr() netip.AddrPort { return netip.MustParseAddrPort(h.Listener.Addr().String()) }

// serving answers with the content.
func serving(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }
}

// A world is a store, and hosts it may fetch from.
type world struct {
	*files.Store
	db *pgxpool.Pool
}

// build makes a world on a database of its own.
func build(tb testing.TB, change func(*files.Options), hosts ...*host) *world {
	tb.Helper()
	w := &world{db: pgtest.DB(tb, migrations.Schema())}
	w.Store = w.store(tb, change, hosts...)
	return w
}

// store makes another store on the world's database.
func (w *world) store(tb testing.TB, change func(*files.Options), hosts ...*host) *files.Store {
	tb.Helper()
	opt := files.Options{
		Pool: w.db, Log: slog.New(slog.DiscardHandler), Keep: month,
		Config: files.Config{Max: maxSize, Links: env.Duration(24 * time.Hour)},
	}
	roots := x509.NewCertPool()
	for _, h := range hosts {
		roots.AddCert(h.Certificate())
		opt.Net.Allow = append(opt.Net.Allow, h.addr())
	}
	opt.Net.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if change != nil {
		change(&opt)
	}
	s, err := files.NewStore(opt)
	check(tb, err)
	return s
}

// add adds one file to the agent.
func (w *world) add(tb testing.TB, src files.Source) files.ID {
	tb.Helper()
	if src.Owner == "" {
		src.Owner = "mapping 1"
	}
	src.Direction = files.ToAgent
	ids, err := w.Add(tb.Context(), w.db, src)
	check(tb, err)
	return ids[0]
}

// bring adds and fetches a file.
func (w *world) bring(tb testing.TB, src files.Source) (files.ID, error) {
	tb.Helper()
	id := w.add(tb, src)
	return id, w.Fetch(tb.Context(), id)
}

func (w *world) get(tb testing.TB, id files.ID) files.File {
	tb.Helper()
	f, err := files.Get(tb.Context(), w.db, id)
	check(tb, err)
	return f
}

// sum reads a ready file to its end.
func (w *world) sum(tb testing.TB, id files.ID) [sha256.Size]byte {
	tb.Helper()
	_, content, err := w.Open(tb.Context(), id)
	check(tb, err)
	hash := sha256.New()
	_, err = io.Copy(hash, content)
	check(tb, err)
	return [sha256.Size]byte(hash.Sum(nil))
}

// parts counts the parts on record, of all files.
func (w *world) parts(tb testing.TB) int {
	tb.Helper()
	return w.count(tb, `SELECT count(*) FROM file_part`)
}

func (w *world) count(tb testing.TB, sql string) int {
	tb.Helper()
	var n int
	check(tb, w.db.QueryRow(tb.Context(), sql).Scan(&n))
	return n
}

// failed demands that a file has failed for good, and why.
func (w *world) failed(tb testing.TB, id files.ID, err error, why files.Failure) {
	tb.Helper()
	failure, ok := errors.AsType[*files.Error](err)
	if !ok || failure.Failure != why || !failure.Permanent() {
		tb.Errorf("error is %v, want %s", err, why)
	}
	f := w.get(tb, id)
	if f.State != files.Failed || f.Failure != why {
		tb.Errorf("file is %s, %q; want failed, %q", f.State, f.Failure, why)
	}
	if n := w.count(tb, `SELECT count(*) FROM file WHERE state <> 'pending' AND source <> ''`); n != 0 {
		tb.Error("a URL is kept that is of no use")
	}
	if _, _, err := w.Open(tb.Context(), id); err == nil {
		tb.Error("it has a content")
	}
}

// noise is a content of that size, always the same.
func noise(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	return content
}

// follow fetches with another context than the test's.
func follow(ctx context.Context, w *world, id files.ID) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.Fetch(ctx, id) }()
	return done
}

// await returns what a channel brings in time.
func await[T any](tb testing.TB, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		tb.Fatal("nothing came in time")
	}
	return *new(T)
}
