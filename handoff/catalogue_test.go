package handoff_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/handoff"
)

const products = "\uFEFFtitle,text,queue,Supplier,Stock\n" +
	"Chai,Tea of ten spices,drinks,Exotic Liquids,39\n" +
	"Chang,Beer,drinks,Exotic Liquids,17\n" +
	"Tofu,\"Goes with chai, too\",food,Mayumi's,35\n"

// load reads a catalogue of that content.
func load(tb testing.TB, name, content string) (*handoff.Catalogue, error) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	check(tb, os.WriteFile(path, []byte(content), 0o600))
	return handoff.LoadCatalogue(path)
}

func titles(tb testing.TB, c *handoff.Catalogue, query string, skip, count int) []string {
	tb.Helper()
	results, err := c.Search(tb.Context(), handoff.Query{Parameters: map[string]string{"query": query}, Skip: skip, Count: count})
	check(tb, err)
	var all []string
	for _, r := range results {
		all = append(all, r.Title)
	}
	return all
}

func TestCatalogue_finds_items_that_have_every_word(t *testing.T) {
	t.Parallel()
	c, err := load(t, "products.csv", products)
	check(t, err)
	for query, want := range map[string][]string{
		"":              {"Chai", "Chang", "Tofu"},
		"CHAI":          {"Chai", "Tofu"}, // the title's first
		"exotic beer":   {"Chang"},
		"ch":            {"Chai", "Chang", "Tofu"},
		"chai nowhere":  nil,
		"  liquids  39": {"Chai"},
	} {
		if diff := cmp.Diff(want, titles(t, c, query, 0, 25)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestCatalogue_gives_a_page_at_a_time(t *testing.T) {
	t.Parallel()
	c, err := load(t, "products.csv", products)
	check(t, err)
	for _, row := range []struct {
		skip, count int
		want        []string
	}{{0, 2, []string{"Chai", "Chang"}}, {2, 2, []string{"Tofu"}}, {3, 2, nil}, {9, 2, nil}} {
		if diff := cmp.Diff(row.want, titles(t, c, "", row.skip, row.count)); diff != "" {
			t.Errorf("skip %d (-want +got):\n%s", row.skip, diff)
		}
	}
}

func TestCatalogue_carries_the_item_and_what_was_asked(t *testing.T) {
	t.Parallel()
	csv, err := load(t, "products.CSV", products)
	check(t, err)
	list, err := load(t, "products.json", `[{"title":"Chai","text":"Tea of ten spices","queue":"drinks","Supplier":"Exotic Liquids","Stock":39,"Note":null}]`)
	check(t, err)
	for name, c := range map[string]*handoff.Catalogue{"csv": csv, "json": list} {
		results, err := c.Search(t.Context(), handoff.Query{Parameters: map[string]string{"query": "spices"}, Count: 25})
		check(t, err)
		want := handoff.Context{
			Problem: "Chai", Queue: "drinks",
			Variables: map[string]string{"Supplier": "Exotic Liquids", "Stock": "39", "query": "spices"},
		}
		if diff := cmp.Diff(want, results[0].Carry); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLoadCatalogue_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ file, content, want string }{
		"another kind":   {"x.xml", "<a/>", `expected a .json or .csv file, not ".xml"`},
		"no names":       {"x.csv", "", "expected a line of column names"},
		"a short line":   {"x.csv", "title,text\na\n", "wrong number of fields"},
		"no title":       {"x.csv", "name\na\n", "item 1: title: required"},
		"no list":        {"x.json", `{"title":"a"}`, "expected a list of objects"},
		"a nested value": {"x.json", `[{"title":"a","b":[]}]`, "item 1: b: expected a text"},
		"a long value":   {"x.csv", "title\n" + strings.Repeat("x", 5000) + "\n", "title: longer than 4096 bytes"},
		"many columns":   {"x.csv", "title" + strings.Repeat(",c", 20) + "\na" + strings.Repeat(",c", 20) + "\n", "more than 20 columns"},
	} {
		if _, err := load(t, row.file, row.content); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
	if _, err := handoff.LoadCatalogue(filepath.Join(t.TempDir(), "none.csv")); err == nil {
		t.Error("a file that does not exist is loaded")
	}
}
