package env

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// A Section is a struct and where its variables are.
type Section struct {
	Title  string // heads its part of the table; may be empty
	Prefix string // of every variable; "<NAME>" stands for any name, as in "HUB_<NAME>_"
	Config any    // the struct, or a pointer to it
}

// anyName is the part of a prefix that the environment chooses.
const anyName = "<NAME>"

func (s Section) fields() []field {
	v := reflect.Indirect(reflect.ValueOf(s.Config))
	var all []field
	walk(v, s.Prefix, func(f field) { all = append(all, f) })
	return all
}

// Table writes a line for each variable of the sections: its name, its default,
// what it means.
func Table(w io.Writer, sections ...Section) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range sections {
		if s.Title != "" {
			_, _ = fmt.Fprintf(table, "\n%s\n", s.Title)
		}
		for _, f := range s.fields() {
			_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", f.name, f.defaultText(), f.meaning())
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (f field) defaultText() string {
	switch {
	case f.tag.required:
		return "required"
	case f.tag.fallback == "":
		return "-"
	}
	return f.tag.fallback
}

func (f field) meaning() string {
	help := f.info.Tag.Get("help")
	if f.secret() {
		help = strings.TrimPrefix(help+"; or a file: "+f.tag.key+fileSuffix, "; ")
	}
	return help
}

// Unknown returns an error for every variable of environ (as [os.Environ] gives
// it) that begins with prefix and that no section reads; each names the nearest
// that one does read.
func Unknown(prefix string, environ []string, sections ...Section) error {
	known := names(sections)
	var problems []error
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || slices.ContainsFunc(known, func(k variable) bool { return k.is(name) }) {
			continue
		}
		hint := ""
		if near := nearest(name, known); near != "" {
			hint = "; did you mean " + near + "?"
		}
		problems = append(problems, fmt.Errorf("%s: no such variable%s", name, hint))
	}
	return errors.Join(problems...)
}

// A variable is a name, possibly one with a part to choose.
type variable string

func names(sections []Section) []variable {
	var known []variable
	for _, s := range sections {
		for _, f := range s.fields() {
			known = append(known, variable(f.name))
			if f.secret() {
				known = append(known, variable(f.name+fileSuffix))
			}
		}
	}
	return known
}

var nameForm = regexp.MustCompile(`^[A-Z0-9]+(_[A-Z0-9]+)*$`)

// is reports whether the name is the variable's.
func (v variable) is(name string) bool {
	before, after, dynamic := strings.Cut(string(v), anyName)
	if !dynamic {
		return string(v) == name
	}
	chosen, ok := strings.CutPrefix(name, before)
	if !ok {
		return false
	}
	chosen, ok = strings.CutSuffix(chosen, after)
	return ok && nameForm.MatchString(chosen)
}

// like returns the variable with the parts chosen that name could have meant.
func (v variable) like(name string) []string {
	before, after, dynamic := strings.Cut(string(v), anyName)
	if !dynamic {
		return []string{string(v)}
	}
	rest, ok := strings.CutPrefix(name, before)
	if !ok {
		return []string{string(v)}
	}
	var all []string
	for i, r := range rest {
		if r == '_' && i > 0 {
			all = append(all, before+rest[:i]+after)
		}
	}
	return all
}

// nearest returns the known name that takes the fewest edits, or "" when none
// has much in common with name.
func nearest(name string, known []variable) string {
	best, fewest := "", max(3, len(name)/3)+1
	for _, k := range known {
		for _, candidate := range k.like(name) {
			if d := distance(name, candidate); d < fewest {
				best, fewest = candidate, d
			}
		}
	}
	return best
}

// distance returns how many letters must be put in, taken out or replaced to
// make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
