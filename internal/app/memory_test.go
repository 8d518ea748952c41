package app_test

import (
	"runtime/debug"
	"testing"

	"github.com/liaison-skill/liaison/internal/app"
)

func TestSpendMemory_is_the_operators_to_decide(t *testing.T) {
	before := debug.SetGCPercent(70)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv("GOGC", "70")
	app.SpendMemory()
	if got := debug.SetGCPercent(70); got != 70 {
		t.Errorf("the heap grows by %d %%, want what GOGC says, 70", got)
	}
	t.Setenv("GOGC", "")
	app.SpendMemory()
	if got := debug.SetGCPercent(70); got != 400 {
		t.Errorf("the heap grows by %d %%, want 400", got)
	}
}
