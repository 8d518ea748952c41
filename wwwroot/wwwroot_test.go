package wwwroot_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The parts of the pages that need no browser are tested where they are written.
// Without Node this is skipped; TEST_REQUIRE_BROWSER=1 makes that a failure.
func TestModules_pass_their_own_tests(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil && os.Getenv("TEST_REQUIRE_BROWSER") == "1" {
		t.Fatal("no node is installed")
	}
	if err != nil {
		t.Skip("no node is installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	files, err := filepath.Glob("test/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %v: %v", files, err)
	}
	// Node 20 asks to be told that .js files are modules; later ones look.
	args := append([]string{"--experimental-default-type=module", "--test"}, files...)
	out, err := exec.CommandContext(ctx, node, args...).CombinedOutput()
	if err != nil {
		t.Errorf("node: %v\n%s", err, out)
	}
}
