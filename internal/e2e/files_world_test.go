package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/sandbox"
)

// A corpus is files that a file must come through as, by what is hard about them.
func corpus(tb testing.TB) []sandbox.File {
	tb.Helper()
	random := make([]byte, 20<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 16, 16))); err != nil {
		tb.Fatal(err)
	}
	return []sandbox.File{
		{Name: "nothing.txt"},
		{Name: "one.bin", Content: []byte{0}},
		{Name: "part.bin", Content: random[:256<<10]},
		{Name: "largest.bin", Content: random},
		{Name: "Übung №1 – 日本語 👩‍💻.txt", Content: []byte("ß")},
		{Name: `..\..\etc/pass "wd"'; x=1&y.txt`, Content: []byte("x")},
		{Name: "\u202etxt.fdp", Content: []byte("y")},
		{Name: strings.Repeat("long", 80) + ".txt", Content: []byte("z")},
		{Name: "pasted.png", Type: "image/png", Content: picture.Bytes(), Inline: true},
	}
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// deskLine is a line of the hub's own record.
type deskLine struct {
	Message, From, Sender, ID string
	Attachments               []struct {
		Name, URL string
		Size      int64
	}
}

func (w *world) deskLines(tb testing.TB, id string) (lines []deskLine) {
	tb.Helper()
	w.desk(tb, http.MethodGet, "/api/chat/messages?conversationId="+url.QueryEscape(id), nil, &lines)
	return lines
}

// userLines are what the agent has of the user: words, and names of files in brackets.
func (w *world) agentHas(tb testing.TB, id string) (all []string) {
	tb.Helper()
	for _, l := range w.deskLines(tb, id) {
		if l.From != "user" {
			continue
		}
		if l.Message != "" {
			all = append(all, l.Message)
		}
		for _, f := range l.Attachments {
			all = append(all, "["+f.Name+"]")
		}
	}
	return all
}

// get returns what a URL gives without any credential.
func get(tb testing.TB, rawURL string) []byte {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("status %d, %v, %d bytes", resp.StatusCode, err, len(content))
	}
	return content
}

var anyURL = regexp.MustCompile(`https?://[^\s,)\]\\]+`)

// urlIn returns the last URL of a text: in Markdown a link's label is before it.
func urlIn(text string) string {
	all := anyURL.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// noLeaks fails if a token was sent where none belongs.
func (w *world) noLeaks(tb testing.TB) {
	tb.Helper()
	if v := w.sandbox.Violations(); len(v) > 0 {
		tb.Errorf("violations: %q", v)
	}
	for _, telling := range []string{"tempauth", "/files/", "signature=", "a.txt", "a.exe", "largest", "bung", "pasted"} {
		if strings.Contains(w.log.String(), telling) {
			tb.Errorf("%q, of a file's name or URL, is in the log", telling)
		}
	}
}
