package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// A load is one run: who says what, how many at once, for how long. There must be
// as many people as workers.
type load struct {
	kind    kind
	workers int
	first   int           // the first person
	people  int           // how many take part
	last    time.Duration // how long new messages are begun; 0: until each person has spoken once
	rate    int           // messages a second, whatever becomes of them; 0: a worker goes on when it has its 2xx
}

// most is how many messages the load can have.
func (l load) most() int {
	switch {
	case l.rate > 0:
		return int(l.last.Seconds() * float64(l.rate))
	case l.last == 0:
		return l.people
	}
	return maxMessages
}

// answers reports whether senders also wait until the copilot is answered: a
// start is not one before that.
func (l load) answers() bool { return l.kind == userStarts || l.kind == cycle }

// A target is what a load is put on: a service with its peers.
type target struct {
	addr  string
	token string
	peers *peers
	usage func() (usage, error)           // so far
	idle  func(ctx context.Context) error // blocks until nothing is under way
}

// put puts a load on a target and returns what came of it. Every accepted message
// must arrive, once and in order; else that is an error.
func (t target) put(ctx context.Context, l load) (*result, error) {
	tl := newTally(int(t.peers.runs.Add(1)), l.most())
	if l.answers() {
		tl.hearing(l.workers)
	}
	t.peers.tally.Store(tl)
	before, err := t.usage()
	if err != nil {
		return nil, err
	}
	tl.epoch = time.Now()
	late, err := t.speak(ctx, l, tl)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.kind, err)
	}
	if err := tl.await(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", l.kind, err)
	}
	if err := t.idle(ctx); err != nil {
		return nil, err
	}
	after, err := t.usage()
	if err != nil {
		return nil, err
	}
	r, err := tl.result()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.kind, err)
	}
	r.late, r.cpu, r.lasted = late, after.minus(before), time.Since(tl.epoch)
	return r, nil
}

// speak runs the senders until the load is over.
func (t target) speak(ctx context.Context, l load, tl *tally) (late time.Duration, err error) {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int, len(tl.began))
	for i := range l.workers {
		g.Go(func() error {
			w, err := dial(ctx, t.addr)
			if err != nil {
				return err
			}
			defer w.conn.Close()
			s := sender{index: i, load: l, tally: tl, wire: w, words: newSpeaker(t.addr, t.token, t.peers)}
			if l.rate > 0 {
				return s.follow(next)
			}
			return s.repeat(ctx)
		})
	}
	if l.rate > 0 {
		late = pace(ctx, l, tl, next)
	}
	return late, g.Wait()
}

// pace gives out numbers at an even rate. A message begins when its number is
// given out, also when no sender is free for it. It returns its own worst delay.
func pace(ctx context.Context, l load, tl *tally, next chan<- int) time.Duration {
	defer close(next)
	var late time.Duration
	gap := time.Second / time.Duration(l.rate)
	for n := range len(tl.began) {
		due := time.Duration(n) * gap
		if wait := due - time.Since(tl.epoch); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return late
			}
		}
		late = max(late, time.Since(tl.epoch)-due)
		tl.number()
		tl.began[n] = tl.now()
		next <- n
	}
	return late
}

// A sender posts over one connection.
type sender struct {
	index int
	load  load
	tally *tally
	wire  *wire
	words *speaker
}

// follow posts what it is given.
func (s *sender) follow(next <-chan int) error {
	for n := range next {
		if err := s.post(s.load.kind, n, s.load.first+n%s.load.people); err != nil {
			return err
		}
	}
	return nil
}

// repeat posts one after the other. Each person is one sender's, so that words
// are posted in order.
func (s *sender) repeat(ctx context.Context) error {
	mine := (s.load.people - s.index + s.load.workers - 1) / s.load.workers
	for k := 0; !s.over(ctx, k, mine); k++ {
		n, ok := s.tally.number()
		if !ok {
			return nil
		}
		s.tally.began[n] = s.tally.now()
		person, kind := s.load.first+s.index+k%mine*s.load.workers, s.load.kind
		if kind == cycle {
			person, kind = s.load.first+s.index, userStarts
			if k%2 == 1 {
				kind = userEnds
			}
		}
		if err := s.say(kind, n, person); err != nil {
			return err
		}
	}
	return nil
}

// say posts, and waits for the copilot's answer if the load does.
func (s *sender) say(k kind, n, person int) error {
	if !s.load.answers() {
		return s.post(k, n, person)
	}
	s.tally.sender[n].Store(int32(s.index)) //nolint:gosec // a few senders
	if err := s.post(k, n, person); err != nil {
		return err
	}
	patience := time.NewTimer(stuck)
	defer patience.Stop()
	select {
	case <-s.tally.heard[s.index]:
		return nil
	case <-patience.C:
		return errors.New("the copilot was not answered")
	}
}

// over reports whether a sender that has posted k times is done. One that has
// started a conversation ends it.
func (s *sender) over(ctx context.Context, k, mine int) bool {
	switch {
	case ctx.Err() != nil:
		return true
	case s.load.last == 0:
		return k >= mine
	case s.load.kind == cycle && k%2 == 1:
		return false
	}
	return time.Since(s.tally.epoch) >= s.load.last
}

func (s *sender) post(k kind, n, person int) error {
	s.tally.said[n] = saying{k, person}
	status, err := s.wire.post(s.words.request(k, person, s.tally.run, n))
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("status %d: %s", status, s.wire.body)
	}
	s.tally.accepted[n] = s.tally.now()
	return nil
}
