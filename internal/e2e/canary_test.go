package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// canaries are texts that must not come out of where they were put in.
type canaries struct {
	mu    sync.Mutex
	texts map[string]string // by what they stand for
}

func newCanaries() *canaries { return &canaries{texts: map[string]string{}} }

// word returns somebody's words, of a kind that every encoding writes in another
// way.
func (c *canaries) word(what string) string {
	return c.add(what, "Quill"+strings.ReplaceAll(what, " ", "")+` said "ß&<i>" 7/7`)
}

// secret returns a secret of the letters that secrets have.
func (c *canaries) secret(what string) string {
	return c.add(what, "plume"+strings.ReplaceAll(what, " ", "")+"+/~=")
}

// add takes in a text that something else made.
func (c *canaries) add(what, text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts[what] = text
	return text
}

// in returns which canaries a text holds, how they are written and where.
func (c *canaries) in(text string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []string
	for what, canary := range c.texts {
		for how, form := range forms(canary) {
			if at := strings.Index(text, form); at >= 0 {
				found = append(found, fmt.Sprintf("%s (%s): …%s…", what, how, text[max(0, at-150):min(len(text), at+len(form)+50)]))
			}
		}
	}
	return slices.Sorted(slices.Values(found))
}

var letters = regexp.MustCompile(`[0-9A-Za-z]+`)

// forms are the ways a text can be written, by their names.
func forms(text string) map[string]string {
	encoded, _ := json.Marshal(text)
	jsonForm := string(encoded[1 : len(encoded)-1])
	quoted := strconv.Quote(text)
	all := map[string]string{
		"plain": text, "JSON": jsonForm, "quoted": quoted[1 : len(quoted)-1], "quoted JSON": strings.Trim(strconv.Quote(jsonForm), `"`),
		"in a query": url.QueryEscape(text), "in a path": url.PathEscape(text), "HTML": html.EscapeString(text), "hexadecimal": hex.EncodeToString([]byte(text)),
	}
	// What most ways of writing leave alone, as long as the rest is no part of it.
	core := slices.MaxFunc(append(letters.FindAllString(text, -1), ""), func(a, b string) int { return len(a) - len(b) })
	if len(core) >= 8 {
		all["in part"] = core
	}
	// Base64 writes the same bytes in three ways, by how many are before them.
	for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
		for before := range 3 {
			whole := encoding.EncodeToString(append(make([]byte, before), text...))
			first, last := (before*8+5)/6, (before+len(text))*8/6
			all[fmt.Sprintf("%s, %d bytes in", name, before)] = whole[first:last]
		}
	}
	maps.DeleteFunc(all, func(_, form string) bool { return len(form) < 3 })
	return all
}

// TestCanariesAreFound is the control of every test below that finds none: each
// way out would have been noticed.
func TestCanariesAreFound(t *testing.T) {
	t.Parallel()
	for _, plant := range []func(c *canaries) string{
		func(c *canaries) string { return c.word("words") },
		func(c *canaries) string { return c.secret("words") },
		func(c *canaries) string { return c.add("words", "whsec_cGx1bWUrLw==") },
		func(c *canaries) string { return c.add("words", "4715081547") },
	} {
		c := newCanaries()
		text := plant(c)
		var logJSON, logText bytes.Buffer
		slog.New(slog.NewJSONHandler(&logJSON, nil)).InfoContext(t.Context(), "leak", "err", fmt.Errorf("status 400 %q", text))
		slog.New(slog.NewTextHandler(&logText, nil)).InfoContext(t.Context(), "leak", "err", fmt.Errorf("status 400 %s", text))
		leaks := map[string]string{"a JSON log": logJSON.String(), "a text log": logText.String()}
		for how, form := range forms(text) {
			leaks[how] = "x" + form + "y"
		}
		for _, scheme := range []string{"Basic ", "Basic i:", "Basic id:", "Basic ids:"} {
			name, before, _ := strings.Cut(scheme, " ")
			leaks[scheme] = name + " " + base64.StdEncoding.EncodeToString([]byte(before+text))
		}
		for how, leak := range leaks {
			if len(c.in(leak)) == 0 {
				t.Errorf("%q is not found in %s: %s", text, how, leak)
			}
		}
		if found := c.in("a log without any of it"); len(found) > 0 {
			t.Errorf("found %q where there is none", found)
		}
	}
}

// A tap hears what a server answers.
type tap struct {
	mu    sync.Mutex
	conns []*safeBuffer
}

type tappedListener struct {
	net.Listener
	tap *tap
}

type tappedConn struct {
	net.Conn
	heard *safeBuffer
}

func (t *tap) on(ln net.Listener) net.Listener { return tappedListener{ln, t} }

// Accept implements [net.Listener].
func (l tappedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	heard := &safeBuffer{}
	l.tap.mu.Lock()
	defer l.tap.mu.Unlock()
	l.tap.conns = append(l.tap.conns, heard)
	return tappedConn{conn, heard}, nil
}

// Write implements [net.Conn].
func (c tappedConn) Write(p []byte) (int, error) {
	_, _ = c.heard.Write(p)
	return c.Conn.Write(p)
}

// refusals returns every answer of status 400 and above, whole, and how many
// answers there were.
func (t *tap) refusals(tb testing.TB) (refusals string, answers int) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	var all strings.Builder
	for _, heard := range t.conns {
		r := bufio.NewReader(strings.NewReader(heard.String()))
		for {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				break // the connection's end
			}
			var answer bytes.Buffer
			_ = resp.Write(&answer)
			_ = resp.Body.Close()
			answers++
			if resp.StatusCode >= http.StatusBadRequest {
				all.Write(answer.Bytes())
			}
		}
	}
	return all.String(), answers
}
