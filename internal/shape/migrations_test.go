package shape

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMigrationsStayAsTheyAre: a database that has a migration does not get it
// again, so whoever changes one changes new databases alone. A new migration gets a
// new line:
//
//	sha256sum migrations/*.sql contoso/migrations/*.sql >internal/shape/testdata/migrations.sum
func TestMigrationsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(filepath.Join("testdata", "migrations.sum"))
	if err != nil {
		t.Fatal(err)
	}
	landed := map[string]string{}
	for line := range strings.Lines(string(list)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			landed[name] = sum
		}
	}
	if diff := cmp.Diff(landed, sums(t, "migrations", "contoso/migrations")); diff != "" {
		t.Errorf("a migration that landed is never changed, write a new one (-landed +now):\n%s", diff)
	}
}

// sums returns the SHA-256 of every migration in the module's folders, by its path.
func sums(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	all := map[string]string{}
	for _, folder := range folders {
		files, err := fs.Glob(root, folder+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(root, file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = fmt.Sprintf("%x", sha256.Sum256(text))
		}
	}
	return all
}
