package texts

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// maxDepth bounds choices within choices.
const maxDepth = 3

var (
	argumentName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	pluralForm   = regexp.MustCompile(`^(zero|one|two|few|many|other|=[0-9]{1,9})$`)
)

// A message is a sentence as it was parsed.
type message []part

// A part is literal words, an argument, or a choice by an argument.
type part struct {
	words  string
	name   string             // of the argument, or ""
	choice map[string]message // by plural form; nil puts the argument in
}

// parse reads a sentence. Its errors name a position, in characters from 1.
func parse(text string) (message, error) {
	p := &parser{text: text}
	m, err := p.message(0)
	if err == nil && p.at < len(text) {
		err = errors.New("this brace closes nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("character %d: %w", utf8.RuneCountInString(text[:p.at])+1, err)
	}
	return m, nil
}

// A parser is at a place of a text, which is where its error is.
type parser struct {
	text string
	at   int
}

// message reads up to the end of the text or to a closing brace.
func (p *parser) message(depth int) (message, error) {
	var m message
	for {
		words := p.until("{}")
		if words != "" {
			m = append(m, part{words: words})
		}
		if !strings.HasPrefix(p.text[p.at:], "{") {
			return m, nil
		}
		if depth == maxDepth {
			return nil, errors.New("choices within choices within choices")
		}
		next, err := p.argument(depth)
		if err != nil {
			return nil, err
		}
		m = append(m, next)
	}
}

// argument reads {name} or {name, plural, form {…} …}.
func (p *parser) argument(depth int) (part, error) {
	open := p.at
	p.at++
	name := strings.TrimSpace(p.until("{},"))
	if !argumentName.MatchString(name) {
		p.at = open
		return part{}, fmt.Errorf("expected the name of an argument after the brace, not %q", name)
	}
	if p.take("}") {
		return part{name: name}, nil
	}
	if !p.take(",") || strings.TrimSpace(p.until("{},")) != "plural" || !p.take(",") {
		p.at = open
		return part{}, fmt.Errorf("expected {%s} or {%s, plural, …}", name, name)
	}
	choice := map[string]message{}
	for {
		form := strings.TrimSpace(p.until("{}"))
		if form == "" && choice["other"] != nil && p.take("}") {
			return part{name: name, choice: choice}, nil
		}
		if err := p.branch(choice, form, depth); err != nil {
			return part{}, err
		}
	}
}

// branch reads {…} after a form's name.
func (p *parser) branch(choice map[string]message, form string, depth int) error {
	switch {
	case form == "":
		return errors.New("the choice has no form other, or does not end")
	case !pluralForm.MatchString(form):
		return fmt.Errorf("%q is no plural form; there are zero, one, two, few, many, other and =number", form)
	case choice[form] != nil:
		return fmt.Errorf("the form %s comes twice", form)
	case !p.take("{"):
		return fmt.Errorf("expected {…} after the form %s", form)
	}
	m, err := p.message(depth + 1)
	if err != nil {
		return err
	}
	if !p.take("}") {
		return fmt.Errorf("the form %s does not end", form)
	}
	choice[form] = append(message{}, m...) // not nil, though it may say nothing
	return nil
}

// until reads up to one of the marks or the end.
func (p *parser) until(marks string) string {
	rest := p.text[p.at:]
	if i := strings.IndexAny(rest, marks); i >= 0 {
		rest = rest[:i]
	}
	p.at += len(rest)
	return rest
}

func (p *parser) take(mark string) bool {
	if !strings.HasPrefix(p.text[p.at:], mark) {
		return false
	}
	p.at += len(mark)
	return true
}

// check compares the arguments a sentence uses with those it is given.
func (m message) check(given Text) error {
	used := map[string]bool{} // whether it is chosen by
	m.uses(used)
	names := strings.Join(slices.Sorted(maps.Keys(given.args)), ", ")
	for _, name := range slices.Sorted(maps.Keys(used)) {
		v, ok := given.args[name]
		if !ok && names == "" {
			return fmt.Errorf("no argument {%s}; there are none", name)
		}
		if !ok {
			return fmt.Errorf("no argument {%s}; there are: %s", name, names)
		}
		if _, isNumber := v.(number); used[name] && !isNumber {
			return fmt.Errorf("{%s} is not a number, so nothing can be chosen by it", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given.args)) {
		if _, ok := used[name]; !ok && !given.mayOmit(name) {
			return fmt.Errorf("the argument {%s} is missing", name)
		}
	}
	return nil
}

func (m message) uses(used map[string]bool) {
	for _, p := range m {
		if p.name != "" {
			used[p.name] = used[p.name] || p.choice != nil
		}
		for _, branch := range p.choice {
			branch.uses(used)
		}
	}
}

// write says the sentence, which is in v's language of the moment.
func (m message) write(b *strings.Builder, v Voice, a args) {
	for _, p := range m {
		switch {
		case p.name == "":
			b.WriteString(p.words)
		case p.choice == nil:
			b.WriteString(a[p.name].in(v))
		default:
			n, _ := a[p.name].(number)
			p.chosen(v.sentence, n.cardinal()).write(b, v, a)
		}
	}
}

func (p part) chosen(in language.Tag, n int) message {
	if m, ok := p.choice["="+strconv.Itoa(n)]; ok {
		return m
	}
	forms := [...]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}
	if m, ok := p.choice[forms[plural.Cardinal.MatchPlural(in, n, 0, 0, 0, 0)]]; ok {
		return m
	}
	return p.choice["other"]
}
