package pgtest

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/liaison-skill/liaison/internal/steady"
)

// Main runs a package's tests, ends the server they used and then looks for
// goroutines that nobody waited for. It returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// A package without it works too; its server ends with the process.
func Main(m *testing.M, ignore ...goleak.Option) int {
	release := steady.HTTP()
	code := m.Run()
	process.close()
	release()
	if code != 0 {
		return code // a failed test may well leave something behind
	}
	// The container library keeps its connection to Docker.
	if err := steady.Goroutines(append(ignore, steady.Idle()...)...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (p *shared) close() {
	if p.server != nil {
		p.server.admin.Close()
		p.server.stop()
	}
}
