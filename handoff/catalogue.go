package handoff

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of a catalogue file.
const (
	maxCatalogue = 32 << 20 // bytes
	maxColumns   = 20
	maxValue     = 4 << 10 // bytes
)

// Columns with a meaning of their own; all others are facts.
const (
	columnTitle = "title" // required
	columnText  = "text"
	columnQueue = "queue"
)

// A Catalogue is a source of the items in a file. All words of a query must be
// found in an item; items whose title has them come first, else the file's order
// stays.
type Catalogue struct{ items []item }

type item struct {
	Result

	title, all string // to search in, in lower case
}

// LoadCatalogue reads a .json file, a list of objects, or a .csv file with a line
// of names first.
func LoadCatalogue(name string) (*Catalogue, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("open catalogue: %w", err)
	}
	if info.Size() > maxCatalogue {
		return nil, fmt.Errorf("catalogue is larger than %d bytes", maxCatalogue)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	var rows [][]Fact
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".json":
		rows, err = readJSON(content)
	case ".csv":
		rows, err = readCSV(content)
	default:
		err = fmt.Errorf("expected a .json or .csv file, not %q", ext)
	}
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	c := &Catalogue{}
	for i, row := range rows {
		it, err := newItem(row)
		if err != nil {
			return nil, fmt.Errorf("read catalogue: item %d: %w", i+1, err)
		}
		c.items = append(c.items, it)
	}
	return c, nil
}

// readJSON reads items; their members come in the order of their names.
func readJSON(content []byte) ([][]Fact, error) {
	var objects []map[string]any
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber() // an article's number stays as it is written
	if err := d.Decode(&objects); err != nil {
		return nil, fmt.Errorf("expected a list of objects: %w", err)
	}
	var rows [][]Fact
	for i, o := range objects {
		var row []Fact
		for _, name := range slices.Sorted(maps.Keys(o)) {
			switch v := o[name].(type) {
			case nil:
			case string, json.Number, bool:
				row = append(row, Fact{name, fmt.Sprint(v)})
			default:
				return nil, fmt.Errorf("item %d: %s: expected a text, a number, true or false", i+1, name)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func readCSV(content []byte) ([][]Fact, error) {
	content = bytes.TrimPrefix(content, []byte("\uFEFF")) // Excel's
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("expected a line of column names")
	}
	var rows [][]Fact
	for _, line := range lines[1:] {
		var row []Fact
		for i, value := range line {
			row = append(row, Fact{strings.TrimSpace(lines[0][i]), value})
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func newItem(row []Fact) (item, error) {
	var it item
	it.Carry.Variables = map[string]string{}
	if len(row) > maxColumns {
		return item{}, fmt.Errorf("has more than %d columns", maxColumns)
	}
	for _, f := range row {
		f.Value = strings.TrimSpace(f.Value)
		if len(f.Value) > maxValue {
			return item{}, fmt.Errorf("%s: longer than %d bytes", f.Title, maxValue)
		}
		if f.Value == "" {
			continue
		}
		it.all += strings.ToLower(f.Value) + "\n"
		switch strings.ToLower(f.Title) {
		case columnTitle:
			it.Title, it.title = f.Value, strings.ToLower(f.Value)
		case columnText:
			it.Text = f.Value
		case columnQueue:
			it.Carry.Queue = f.Value
		default:
			it.Facts = append(it.Facts, f)
			it.Carry.Variables[f.Title] = f.Value
		}
	}
	if it.Title == "" {
		return item{}, errors.New("title: required")
	}
	it.Carry.Problem = it.Title
	return it, nil
}

// Search implements [Source].
func (c *Catalogue) Search(ctx context.Context, q Query) ([]Result, error) {
	wanted := strings.Fields(strings.ToLower(q.Parameters[ParameterQuery]))
	type hit struct {
		Result

		rank int
	}
	var hits []hit
	for _, it := range c.items {
		if rank := it.rank(wanted); rank >= 0 {
			hits = append(hits, hit{it.Result, rank})
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search catalogue: %w", err)
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	var results []Result
	for _, h := range page(q, hits) {
		if asked := strings.TrimSpace(q.Parameters[ParameterQuery]); asked != "" {
			h.Carry.Variables = maps.Clone(h.Carry.Variables)
			h.Carry.Variables[ParameterQuery] = asked
		}
		results = append(results, h.Result)
	}
	return results, nil
}

// rank is 0 when the title has all words, 1 when the item has, else -1.
func (it item) rank(wanted []string) int {
	rank := 0
	for _, word := range wanted {
		switch {
		case strings.Contains(it.title, word):
		case strings.Contains(it.all, word):
			rank = 1
		default:
			return -1
		}
	}
	return rank
}
