package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A runner runs a program on a port until ctx ends, connected by a plug.
type runner func(ctx context.Context, ln net.Listener, p *plug) error

// A part is one of the demo's programs. It can be broken, and runs anew.
type part struct {
	address string
	run     runner
	say     func(what string) // what became of it, in words
	rest    time.Duration     // until it comes back by itself; 0: when it is mended

	broken, mended chan struct{}
}

func newPart(ln net.Listener, rest time.Duration, say func(string), run runner) *part {
	return &part{
		address: ln.Addr().String(), run: run, say: say, rest: rest,
		broken: make(chan struct{}, 1), mended: make(chan struct{}, 1),
	}
}

// breakIt cuts the part off from everybody. Mend brings it back.
func (p *part) breakIt() { leave(p.broken) }
func (p *part) mend()    { leave(p.mended) }

// leave leaves a sign that is seen once, however often it is left.
func leave(sign chan struct{}) {
	select {
	case sign <- struct{}{}:
	default:
	}
}

// serve runs the part until ctx ends, each time it is broken anew.
func (p *part) serve(ctx context.Context, ln net.Listener) error {
	var cut sync.WaitGroup // runs that nobody hears any more
	defer cut.Wait()
	for {
		err := p.once(ctx, ln, &cut)
		if !errors.Is(err, errBroken) {
			return err
		}
		if ln, err = p.again(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

var errBroken = errors.New("broken on purpose")

// once runs the part until ctx ends or it is broken, with errBroken.
func (p *part) once(ctx context.Context, ln net.Listener, cut *sync.WaitGroup) error {
	var plug plug
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	cut.Go(func() { ended <- p.run(ctx, plug.listener(ln), &plug) })
	select {
	case err := <-ended:
		return err
	case <-p.broken:
		plug.pull()
		return errBroken
	}
}

// again waits until the part comes back, and opens its port.
func (p *part) again(ctx context.Context) (net.Listener, error) {
	began := time.Now()
	var rested <-chan time.Time
	if p.rest > 0 {
		timer := time.NewTimer(p.rest)
		defer timer.Stop()
		rested = timer.C
	}
	select {
	case <-rested:
	case <-p.mended:
	case <-ctx.Done():
		return nil, nil
	}
	ln, err := listen(ctx, "port of the demo", p.address)
	if err == nil {
		p.say(fmt.Sprintf("It is back, after %s.", time.Since(began).Round(100*time.Millisecond)))
	}
	return ln, err
}

// A plug is what a part is connected by. Once it is pulled, all of its connections
// are broken and no new ones are made: whatever still runs behind it can neither
// answer nor store anything, as if it had crashed.
type plug struct {
	mu        sync.Mutex
	pulled    bool
	conns     map[*plugged]struct{}
	listeners []net.Listener
}

// plugged is a connection that the plug knows.
type plugged struct {
	net.Conn
	by *plug
}

// Close implements [net.Conn].
func (c *plugged) Close() error {
	c.by.mu.Lock()
	delete(c.by.conns, c)
	c.by.mu.Unlock()
	return c.Conn.Close()
}

func (p *plug) pull() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pulled = true
	for c := range p.conns {
		_ = c.Conn.Close()
	}
	clear(p.conns)
	for _, ln := range p.listeners {
		_ = ln.Close()
	}
}

var errPulled = errors.New("the plug is pulled")

func (p *plug) keep(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pulled {
		_ = conn.Close()
		return nil, errPulled
	}
	if p.conns == nil {
		p.conns = map[*plugged]struct{}{}
	}
	c := &plugged{conn, p}
	p.conns[c] = struct{}{}
	return c, nil
}

// dial connects through the plug.
func (p *plug) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return p.keep(d.DialContext(ctx, network, address))
}

func (p *plug) listener(ln net.Listener) net.Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listeners = append(p.listeners, ln)
	return pluggedListener{ln, p}
}

type pluggedListener struct {
	net.Listener
	by *plug
}

// Accept implements [net.Listener].
func (l pluggedListener) Accept() (net.Conn, error) { return l.by.keep(l.Listener.Accept()) }
