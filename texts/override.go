package texts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Limits of a file of texts.
const (
	maxFile     = 1 << 20 // bytes
	maxSentence = 4 << 10 // bytes
)

// addFile replaces sentences by those of a file, and may add languages.
func (c *Catalogue) addFile(name string) error {
	body, err := readFile(name)
	if err != nil {
		return err
	}
	languages, err := decode(body)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var problems []error
	seen := map[language.Tag]string{}
	for _, l := range languages {
		tag, _ := language.Parse(l.name)
		if other, twice := seen[tag]; twice && tag != language.Und {
			problems = append(problems, fmt.Errorf("%s: %s and %s are the same language", name, other, l.name))
			continue
		}
		seen[tag] = l.name
		problems = append(problems, c.add(name+": "+l.name, l.name, l.sentences))
	}
	return errors.Join(problems...)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read texts: %w", err)
	case len(body) > maxFile:
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	case !utf8.Valid(body):
		return nil, fmt.Errorf("%s: expected UTF-8", name)
	}
	return bytes.TrimPrefix(body, []byte("\ufeff")), nil // some editors' mark
}

// A block is one language of a file.
type block struct {
	name      string
	sentences map[string]string
}

// decode reads {"de": {"key": "sentence"}}. Unlike [json.Unmarshal] it says where
// something else stands, and that a name comes twice.
func decode(body []byte) ([]block, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var all []block
	err := object(d, func(name string) error {
		if slices.ContainsFunc(all, func(b block) bool { return b.name == name }) {
			return fmt.Errorf("%s comes twice", name)
		}
		sentences := map[string]string{}
		all = append(all, block{name, sentences})
		err := object(d, func(key string) error {
			token, err := d.Token()
			sentence, ok := token.(string)
			switch _, twice := sentences[key]; {
			case err != nil:
				return err
			case !ok:
				return fmt.Errorf("%s: expected a sentence in quotes", key)
			case twice:
				return fmt.Errorf("%s comes twice", key)
			}
			sentences[key] = sentence
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the last brace")
		}
	}
	if err != nil {
		line := 1 + bytes.Count(body[:min(int(d.InputOffset()), len(body))], []byte("\n"))
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	return all, nil
}

// object reads an object, of which member reads each value.
func object(d *json.Decoder, member func(name string) error) error {
	token, err := d.Token()
	if err != nil {
		return cut(err)
	}
	if token != json.Delim('{') {
		return errors.New(`expected an object, like {"de": {"deleted": "(gelöscht)"}}`)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return cut(err)
		}
		name, _ := token.(string)
		if err := member(name); err != nil {
			return cut(err)
		}
	}
	_, err = d.Token()
	return cut(err)
}

// cut says of a text that ends too early what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file ends too early")
	}
	return err
}

// read parses a sentence that says key's text.
func read(sentence string, given Text) (message, error) {
	switch {
	case strings.TrimSpace(sentence) == "":
		return nil, errors.New("the sentence is empty")
	case len(sentence) > maxSentence:
		return nil, fmt.Errorf("longer than %d bytes", maxSentence)
	case strings.ContainsFunc(sentence, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return nil, errors.New("a control character stands in it")
	}
	m, err := parse(sentence)
	if err != nil {
		return nil, err
	}
	return m, m.check(given)
}
