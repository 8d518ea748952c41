package delivery_test

import (
	"sync"
	"time"

	"github.com/liaison-skill/liaison/delivery"
)

// meter adds up what it is told.
type meter struct {
	mu       sync.Mutex
	attempts map[string]int // by destination and class
	waited   time.Duration
}

func newMeter() *meter { return &meter{attempts: map[string]int{}} }

func (m *meter) Attempted(destination string, class delivery.Class, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts[destination+" "+string(class)]++
}

func (m *meter) Waited(_ string, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waited += wait
}
