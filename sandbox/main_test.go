package sandbox_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/liaison-skill/liaison/internal/steady"
)

func TestMain(m *testing.M) {
	steady.HTTP()
	// Idle connections of the shared client end by themselves.
	idle := []goleak.Option{
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	}
	steady.Main(m, idle...)
}
