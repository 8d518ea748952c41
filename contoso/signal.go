package contoso

import "sync"

// A signal wakes everybody in this process who waits for a change. It carries
// nothing: who wakes up reads the database. The zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// next returns a channel that closes at the next wake. Take it before reading
// what may have changed, or a change in between is missed.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
