package localpg_test

import (
	"errors"
	"testing"

	"github.com/liaison-skill/liaison/internal/localpg"
)

func TestRunning_leads_to_the_server_of_another_process(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if _, err := localpg.Running(t.Context(), dir, "postgres"); !errors.Is(err, localpg.ErrNoData) {
		t.Errorf("an empty folder: got %v", err)
	}
	s := start(t, localpg.Config{Dir: dir})
	url, err := localpg.Running(t.Context(), dir, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	if got := scan[int](t, connect(t, url), "SELECT 42"); got != 42 || url != s.URL("postgres") {
		t.Errorf("%s answers %d", url, got)
	}
	s.Stop()
	if _, err := localpg.Running(t.Context(), dir, "postgres"); !errors.Is(err, localpg.ErrNotRunning) {
		t.Errorf("a stopped server: got %v", err)
	}
}
