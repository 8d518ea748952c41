package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Late returns another pool on a test's database, whose first statement with that
// text is done by the server while its answer does not arrive before release is
// called. Whoever gives up waiting does not know what was done.
func Late(tb testing.TB, of *pgxpool.Pool, text string) (pool *pgxpool.Pool, release func()) {
	tb.Helper()
	config := of.Config()
	// One round trip, with the text in it.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	g := &gate{text: []byte(text), open: make(chan struct{})}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, fmt.Errorf("dial: %w", err)
		}
		return &lateConn{Conn: conn, gate: g}, nil
	}
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	release = sync.OnceFunc(func() { close(g.open) })
	tb.Cleanup(func() {
		release()
		pool.Close()
	})
	return pool, release
}

// A gate shuts behind the first statement with its text.
type gate struct {
	text []byte
	open chan struct{}
	shut sync.Once
}

type lateConn struct {
	net.Conn
	gate *gate

	mu   sync.Mutex
	held bool
}

// Write implements [net.Conn].
func (c *lateConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, c.gate.text) {
		c.gate.shut.Do(func() {
			c.mu.Lock()
			c.held = true
			c.mu.Unlock()
		})
	}
	return c.Conn.Write(p)
}

// Read implements [net.Conn].
func (c *lateConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if held {
		<-c.gate.open
	}
	return c.Conn.Read(p)
}
