package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// Peers are the hub, Teams' connector and the skill host: one listener that
// answers at once and notes when each message came.
type peers struct {
	ln     net.Listener
	runs   atomic.Int64 // so far; the tally is the latest's
	tally  atomic.Pointer[tally]
	minted atomic.Int64   // hub conversations
	hub    []atomic.Int64 // the latest hub conversation of each person; 0: none

	refused atomic.Int64 // calls without credentials
	strange atomic.Int64 // calls that belong to no run

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func listenPeers(ctx context.Context, people int) (*peers, error) {
	ln, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	return &peers{ln: ln, hub: make([]atomic.Int64, people), conns: map[net.Conn]struct{}{}}, nil
}

func listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return ln, nil
}

func (p *peers) url() string { return "http://" + p.ln.Addr().String() }

// run serves until ctx ends.
func (p *peers) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		conn, err := p.ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		p.hold(conn)
		serving.Go(func() { p.serve(conn) })
	}
}

func (p *peers) hold(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[conn] = struct{}{}
}

func (p *peers) close() {
	_ = p.ln.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// serve answers one connection until its other end leaves.
func (p *peers) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, conn)
	}()
	w := newWire(conn)
	var out []byte
	for {
		err := w.read()
		if err != nil {
			return
		}
		status, answer := "401 Unauthorized", []byte(nil)
		if w.auth {
			status, answer = p.answer(w)
		} else {
			p.refused.Add(1)
		}
		out = append(out[:0], "HTTP/1.1 "+status+"\r\nContent-Type: application/json\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(answer)), 10)
		out = append(append(out, "\r\n\r\n"...), answer...)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// answer does what the peer of the path does.
func (p *peers) answer(w *wire) (status string, body []byte) {
	path := w.path()
	switch {
	case bytes.HasPrefix(path, []byte("/api/chat/start")):
		return "200 OK", p.open(w.body)
	case bytes.HasPrefix(path, []byte("/api/chat/end")):
		return "200 OK", []byte("{}")
	case bytes.HasPrefix(path, []byte("/api/chat/")):
		p.note(readMark(w.body))
		return "200 OK", []byte("{}")
	case bytes.HasPrefix(path, []byte("/teams/")):
		p.note(readMark(w.body))
		return "201 Created", []byte(`{"id":"1795207924802"}`)
	}
	if t := p.tally.Load(); t != nil && bytes.Contains(w.body, []byte(`"status":"failed"`)) {
		t.failed.Add(1)
	}
	p.note(readID(path[bytes.LastIndexByte(path, '/')+1:])) // the host learns which activity is answered
	return "200 OK", []byte(`{"id":"1795207924802"}`)
}

func (p *peers) note(run, n int, ok bool) {
	t := p.tally.Load()
	if !ok || t == nil || run != t.run {
		p.strange.Add(1)
		return
	}
	t.arrive(n)
}

// open mints a hub conversation for the person whose directory id is in body.
func (p *peers) open(body []byte) []byte {
	id := p.minted.Add(1)
	_, rest, ok := bytes.Cut(body, []byte(objectIDPrefix))
	if digits := 12; ok && len(rest) >= digits {
		if person, err := strconv.Atoi(string(rest[:digits])); err == nil && person < len(p.hub) {
			p.hub[person].Store(id)
		}
	}
	return fmt.Appendf(nil, `{"conversationId":%q}`, hubConversation(id))
}

func hubConversation(id int64) string { return fmt.Sprintf("hub-%d", id) }
