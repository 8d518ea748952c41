package texts

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed languages/*.json
var builtIn embed.FS

// maxLocale bounds the locales that are read; RFC 5646 expects 35 characters.
const maxLocale = 64

// A Catalogue holds the sentences in every language. It does not change and may
// be used by several goroutines at once.
type Catalogue struct {
	translations []*translation
	matcher      language.Matcher
	chains       [][]*translation // by the matcher's index: where a sentence is looked for
}

// A translation is the sentences of one language: all of them, or those that
// differ from the language it belongs to.
type translation struct {
	tag      language.Tag
	sources  map[string]string
	messages map[string]message
}

// Load returns the built-in sentences with those of file in their place; an empty
// file replaces none. Who speaks none of the languages is spoken to in the one of
// locale, English if that is empty.
func Load(file, locale string) (*Catalogue, error) {
	c := &Catalogue{}
	if err := c.addBuiltIn(); err != nil {
		return nil, err
	}
	if file != "" {
		if err := c.addFile(file); err != nil {
			return nil, err
		}
	}
	if locale == "" {
		locale = "en"
	}
	if err := c.link(locale); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Catalogue) addBuiltIn() error {
	files, err := builtIn.ReadDir("languages")
	if err != nil {
		return fmt.Errorf("read languages: %w", err)
	}
	for _, f := range files {
		body, err := builtIn.ReadFile("languages/" + f.Name())
		if err != nil {
			return fmt.Errorf("read language: %w", err)
		}
		var sentences map[string]string
		if err := json.Unmarshal(body, &sentences); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		name := strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		if err := c.add(f.Name(), name, sentences); err != nil {
			return err
		}
	}
	return nil
}

// add puts sentences in place of those the language has. Its error joins every
// problem, each beginning with where.
func (c *Catalogue) add(where, name string, sentences map[string]string) error {
	tag, err := language.Parse(name)
	if err != nil || tag == language.Und {
		return fmt.Errorf("%s: expected a language tag, like de or pt-BR", where)
	}
	t := c.translation(tag)
	if t == nil {
		t = &translation{tag: tag, sources: map[string]string{}, messages: map[string]message{}}
		c.translations = append(c.translations, t)
	}
	known := known()
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(sentences)) {
		given, ok := known[key]
		if !ok {
			problems = append(problems, fmt.Errorf("%s: %s: no such text%s", where, key, hint(key, known)))
			continue
		}
		m, err := read(sentences[key], given)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %s: %w", where, key, err))
			continue
		}
		t.sources[key], t.messages[key] = sentences[key], m
	}
	return errors.Join(problems...)
}

func (c *Catalogue) translation(tag language.Tag) *translation {
	for _, t := range c.translations {
		if t.tag == tag {
			return t
		}
	}
	return nil
}

// link decides where each language's sentences are looked for: in the language,
// in what it belongs to, in the default, in English.
func (c *Catalogue) link(locale string) error {
	tags := make([]language.Tag, len(c.translations))
	for i, t := range c.translations {
		tags[i] = t.tag
	}
	tag, err := language.Parse(locale)
	_, first, confidence := language.NewMatcher(tags).Match(tag)
	if err != nil || confidence == language.No {
		return fmt.Errorf("no texts in %q; there are: %s", locale, strings.Join(c.Languages(), ", "))
	}
	// The default is the first.
	c.translations[0], c.translations[first] = c.translations[first], c.translations[0]
	tags[0], tags[first] = tags[first], tags[0]
	c.matcher = language.NewMatcher(tags)
	c.chains = make([][]*translation, len(tags))
	for i, tag := range tags {
		c.chains[i] = slices.Concat(c.family(tag), c.family(tags[0]), c.family(language.English))
	}
	return nil
}

// family returns the translation of tag and those of the languages it belongs to.
func (c *Catalogue) family(tag language.Tag) []*translation {
	var all []*translation
	for ; tag != language.Und; tag = tag.Parent() {
		if t := c.translation(tag); t != nil {
			all = append(all, t)
		}
	}
	return all
}

// Languages returns the tags of the languages there are, sorted.
func (c *Catalogue) Languages() []string {
	var names []string
	for _, t := range c.translations {
		names = append(names, t.tag.String())
	}
	slices.Sort(names)
	return names
}

// In returns the voice for a listener: locale is a language tag in any spelling,
// zone a name such as Europe/Berlin. What is unknown of either has a default.
func (c *Catalogue) In(locale, zone string) Voice {
	wanted := language.Und
	if len(locale) <= maxLocale {
		locale, _, _ = strings.Cut(locale, ".") // de_DE.UTF-8
		wanted, _ = language.Parse(locale)      // as much as it understands
	}
	_, i, confidence := c.matcher.Match(wanted)
	if confidence == language.No {
		i = 0 // a matcher would take the one with the same letters
	}
	chain := c.chains[i]
	v := Voice{chain: chain, numbers: chain[0].tag, zone: zone}
	if base, _ := wanted.Base(); base == baseOf(v.numbers) {
		v.numbers = wanted // de-CH is spoken to in German, and writes its numbers otherwise
	}
	return v
}

func baseOf(tag language.Tag) language.Base {
	base, _ := tag.Base()
	return base
}

// Write writes the sentences of the languages, or of all, as the JSON a file to
// replace them has.
func (c *Catalogue) Write(w io.Writer, languages ...string) error {
	out := map[string]map[string]string{}
	for _, t := range c.translations {
		if len(languages) == 0 || slices.Contains(languages, t.tag.String()) {
			out[t.tag.String()] = t.sources
		}
	}
	for _, name := range languages {
		if out[name] == nil {
			return fmt.Errorf("no texts in %q; there are: %s", name, strings.Join(c.Languages(), ", "))
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write texts: %w", err)
	}
	return nil
}
