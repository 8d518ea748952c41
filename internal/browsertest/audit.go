package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
)

// axeVersion is that of axe-core (MPL-2.0), which is used by tests alone and is
// no part of what is built.
const axeVersion = "4.14.1"

// Audit returns what axe-core holds against the page by WCAG 2.2 AA, "" for
// nothing. Where npm cannot get axe-core the test is skipped, with the reason;
// TEST_REQUIRE_BROWSER=1 makes that a failure.
func (t Tab) Audit() string {
	t.tb.Helper()
	if t.Eval(`typeof axe`) == "undefined" {
		source, err := os.ReadFile(t.axe())
		if err != nil {
			t.tb.Fatal(err)
		}
		t.Eval("(() => {" + string(source) + "\n})()")
	}
	t.Eval(finished)
	t.Eval(`(() => {
		globalThis.audited = undefined;
		axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then(
			({ violations }) => { globalThis.audited = violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; ")).join("\n"); },
			(problem) => { globalThis.audited = String(problem); });
	})()`)
	t.Wait(`globalThis.audited !== undefined`, "true")
	return t.Eval(`globalThis.audited`)
}

// axe returns the path of axe-core, which npm gets once.
func (t Tab) axe() string {
	t.tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	folder := filepath.Join(cache, "liaison", "axe-core-"+axeVersion)
	file := filepath.Join(folder, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	args := []string{"install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "axe-core@" + axeVersion}
	out, err := exec.CommandContext(t.ctx, "npm", args...).CombinedOutput()
	if err == nil {
		return file
	}
	if os.Getenv("TEST_REQUIRE_BROWSER") == "1" {
		t.tb.Fatalf("axe-core is required: %v\n%s", err, out)
	}
	t.tb.Skipf("no axe-core: %v\n%s", err, out)
	return ""
}
