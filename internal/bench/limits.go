package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	bareTableSQL = `
		CREATE TABLE bare (
			id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			payload json NOT NULL,
			at      timestamptz NOT NULL DEFAULT now()
		)`

	bareSQL = `
		INSERT INTO bare (payload)
		VALUES (@payload)`
)

// bare commits single rows, the size of a message, by as many connections as
// there are workers. It is what the database can do at most for whoever commits
// each message by itself.
func bare(ctx context.Context, pool *pgxpool.Pool, workers int, last time.Duration) (*result, error) {
	payload := json.RawMessage(`{"mapping":1,"say":{"key":"1/1","sender":"Person 1","text":"` + line + `","padding":"` + strings.Repeat("x", 300) + `"}}`)
	var mu sync.Mutex
	r := &result{}
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		g.Go(func() error {
			var mine []time.Duration
			for time.Since(began) < last && ctx.Err() == nil {
				at := time.Now()
				if _, err := pool.Exec(ctx, bareSQL, pgx.NamedArgs{"payload": payload}); err != nil {
					return fmt.Errorf("commit a row: %w", err)
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			r.arrive.add(mine...)
			return nil
		})
	}
	err := g.Wait()
	r.messages, r.took = len(r.arrive.values), time.Since(began)
	return r, err
}

// Passthrough serves addr until ctx ends: it forwards what users say to the hub at
// base, from a map in memory, with no token, no order and no database. Whoever
// wants to know what durability costs compares with this.
func Passthrough(ctx context.Context, addr, base string) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p := &passthrough{base: base, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	srv := &http.Server{Handler: p, ReadHeaderTimeout: stuck}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

type passthrough struct {
	base   string
	client *http.Client
	hub    sync.Map // hub conversations by the user's
}

// ServeHTTP forwards one message, and answers when the hub has it.
func (p *passthrough) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		return // the probe
	}
	var in struct {
		Text         string                `json:"text"`
		From         struct{ Name string } `json:"from"`
		Conversation struct {
			ID string `json:"id"`
		} `json:"conversation"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "bad activity", http.StatusBadRequest)
		return
	}
	hub, _ := p.hub.LoadOrStore(in.Conversation.ID, "hub "+in.Conversation.ID)
	out, err := json.Marshal(map[string]any{"conversationId": hub, "sender": in.From.Name, "message": in.Text})
	if err != nil {
		http.Error(w, "bad message", http.StatusInternalServerError)
		return
	}
	if err := p.forward(r.Context(), string(out)); err != nil {
		http.Error(w, "hub", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (p *passthrough) forward(ctx context.Context, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/api/chat/receive", strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Key", apiKey)
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return nil
}

// passThrough starts the pass-through as a process of its own: self is this
// program, which takes it as its first argument.
func (r *rig) passThrough(ctx context.Context, self string) (*program, target, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, target{}, err
	}
	p, err := launch(ctx, r.dir, addr, "/", nil, self, "passthrough", addr, r.peers.url())
	if err != nil {
		return nil, target{}, err
	}
	return p, target{
		addr: addr, peers: r.peers,
		usage: func() (usage, error) { return r.usage(p.pid()) },
		idle:  func(context.Context) error { return nil },
	}, nil
}
