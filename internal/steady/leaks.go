package steady

import (
	"time"

	"go.uber.org/goleak"
)

// patience is how long what is ending may take to end.
const patience = 30 * time.Second

// Main runs a package's tests, and fails when they leave goroutines behind. It waits
// for those that are ending: goleak itself waits for half a second, which a busy
// machine takes to run them at all.
func Main(m goleak.TestingM, options ...goleak.Option) {
	goleak.VerifyTestMain(settling{m, options}, options...)
}

// settling is tests that are over when what they started is.
type settling struct {
	goleak.TestingM
	options []goleak.Option
}

// Run implements [goleak.TestingM].
func (s settling) Run() int {
	code := s.TestingM.Run()
	for began := time.Now(); code == 0 && goleak.Find(s.options...) != nil && time.Since(began) < patience; {
		continue // Find pauses
	}
	return code
}
