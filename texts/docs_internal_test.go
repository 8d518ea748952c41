package texts

import (
	"flag"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/feature/plural"
)

var update = flag.Bool("update", false, "write docs/texts.md and testdata anew")

// TestLanguages_are_complete: every text in every language; a region has only
// what differs.
func TestLanguages_are_complete(t *testing.T) {
	t.Parallel()
	c, err := Load("", "")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(known()))
	for _, tr := range c.translations {
		got := slices.Sorted(maps.Keys(tr.sources))
		if tr.tag.String() == "en-GB" {
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-texts +sentences):\n%s", tr.tag, diff)
		}
	}
	if len(want) != len(examples()) {
		t.Errorf("%d examples of %d texts", len(examples()), len(want))
	}
}

// TestLanguages_have_their_plural_forms: no number takes the form other for want
// of its own.
func TestLanguages_have_their_plural_forms(t *testing.T) {
	t.Parallel()
	c, err := Load("", "")
	if err != nil {
		t.Fatal(err)
	}
	forms := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}
	for _, tr := range c.translations {
		for key, m := range tr.messages {
			for _, p := range m {
				for n := 1; p.choice != nil && n <= 200; n++ {
					form := forms[plural.Cardinal.MatchPlural(tr.tag, n, 0, 0, 0, 0)]
					if p.choice[form] == nil && p.choice["="+strconv.Itoa(n)] == nil {
						t.Errorf("%s: %s: no form %s, which %d takes", tr.tag, key, form, n)
						break
					}
				}
			}
		}
	}
}

// TestGolden: what every text of every language says, to be read by people who
// speak it.
func TestGolden(t *testing.T) {
	t.Parallel()
	c, err := Load("", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range c.Languages() {
		v := c.In(locale, "Europe/Berlin")
		var b strings.Builder
		for _, text := range examples() {
			fmt.Fprintf(&b, "%s: %s\n", text.key, v.Say(text))
		}
		golden(t, filepath.Join("testdata", locale+".txt"), b.String())
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	name := filepath.Join("..", "docs", "texts.md")
	const mark = "<!-- The rest is written by: go test ./texts -run TestDocs -update -->\n"
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(body), mark)
	if !found {
		t.Fatalf("%s has no line %s", name, mark)
	}
	golden(t, name, head+mark+table(t))
}

// table lists the texts, with when they are said from the functions' comments.
func table(t *testing.T) string {
	t.Helper()
	c, err := Load("", "")
	if err != nil {
		t.Fatal(err)
	}
	english := c.translation(c.translations[0].tag)
	said := sayings(t)
	var b strings.Builder
	b.WriteString("\n| text | in English | arguments | when |\n|---|---|---|---|\n")
	last := ""
	for _, text := range examples() {
		names := slices.Sorted(maps.Keys(text.args))
		for i := range names {
			names[i] = "`{" + names[i] + "}`"
		}
		when := said[literal(said, text.key)]
		if when == last {
			when = "〃"
		} else {
			last = when
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", text.key, english.sources[text.key], strings.Join(names, " "), when)
	}
	return b.String()
}

// literal is the string in a function's body that makes the key: the key itself
// or its beginning.
func literal(said map[string]string, key string) string {
	best := ""
	for l := range said {
		whole := l == key || strings.HasPrefix(key, strings.TrimSuffix(l, "_")+"_")
		if whole && len(l) > len(best) {
			best = l
		}
	}
	return best
}

// sayings returns the comment of each function that makes a text, by the strings
// in its body.
func sayings(t *testing.T) map[string]string {
	t.Helper()
	said := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := goparser.ParseFile(token.NewFileSet(), name, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Doc == nil || fn.Recv != nil || strings.HasSuffix(name, "_test.go") || name == "examples.go" {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
					text, _ := strconv.Unquote(s.Value)
					if text != "" {
						said[text] = sentence(fn)
					}
				}
				return true
			})
		}
	}
	return said
}

// sentence is a function's comment without its name; a function it mentions is
// the text of that name.
func sentence(fn *ast.FuncDecl) string {
	text := strings.Join(strings.Fields(fn.Doc.Text()), " ")
	text = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(text, fn.Name.Name+" "), "is "), "are ")
	text = regexp.MustCompile(`\[[A-Za-z]+\]`).ReplaceAllStringFunc(text, func(name string) string {
		snake := regexp.MustCompile(`[A-Z]`).ReplaceAllString(strings.Trim(name, "[]"), "_$0")
		return "`" + strings.ToLower(strings.TrimPrefix(snake, "_")) + "`"
	})
	return strings.ToUpper(text[:1]) + text[1:]
}

// golden compares a file with what it should hold, or writes it.
func golden(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s is not up to date; run with -update (-file +wanted):\n%s", name, diff)
	}
}
