package steady

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a goroutine may take to end: on a busy machine one that has
// nothing more to do may not come to that for seconds.
const patience = 30 * time.Second

// Main runs a package's tests with [HTTP] and then looks for goroutines that nobody
// waited for. It returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(steady.Main(m)) }
func Main(m interface{ Run() int }, ignore ...goleak.Option) int {
	release := HTTP()
	code := m.Run()
	release()
	if code != 0 {
		return code // a failed test may well leave something behind
	}
	if err := Goroutines(ignore...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Goroutines returns an error if there are goroutines that do not end.
func Goroutines(ignore ...goleak.Option) error {
	for deadline := time.Now().Add(patience); ; {
		err := goleak.Find(ignore...) // which waits for half a second itself
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// Idle are the goroutines of connections that the shared transport keeps. They end by
// themselves.
func Idle() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	}
}
