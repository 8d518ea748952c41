package contoso_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/contoso"
	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func attach(id, name, content string, pairs ...string) call {
	query := url.Values{"conversationId": {id}, "name": {name}, "sender": {"Alex"}}
	return call{path: "/api/chat/attach?" + query.Encode(), body: content, header: header(pairs...)}
}

func TestFile_links_come_with_messages_and_webhooks(t *testing.T) {
	t.Parallel()
	peer := receive(t, nil)
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{WebhookURL: peer.url, APIKey: "right"})
	var out struct{ ConversationID string }
	h.ok(t, call{path: "/api/chat/start", header: header("X-API-Key", "right")}, &out)
	query := url.Values{"name": {`C:\docs\a "b" ü.html`}, "sender": {"Ana"}}
	h.ok(t, call{
		path: "/api/desk/conversations/" + out.ConversationID + "/files?" + query.Encode(), body: "<script>",
		header: header("Content-Type", "text/html; charset=utf-8"),
	}, nil)
	p := peer.wait(t, 2)[1]
	if p.Event != "message" || p.Message != "" || len(p.Attachments) != 1 {
		t.Fatalf("got %s", p.raw)
	}
	f := p.Attachments[0]
	want := link{ID: f.ID, Name: `a "b" ü.html`, ContentType: "text/html", Size: 8, URL: f.URL}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for name, want := range map[string]string{
		"Content-Type": "text/html", "Content-Length": "8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Security-Policy": "default-src 'none'; sandbox",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
		t.Errorf("Content-Disposition is %q", got)
	}
}

func TestFile_a_link_is_signed_and_expires(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{FileLinkLife: 2 * time.Second})
	id := h.open(t, "")
	h.ok(t, attach(id, "a.txt", "hello"), nil)
	h.ok(t, attach(id, "b.txt", "other"), nil)
	get := func(path string) answer { return h.do(t, call{method: http.MethodGet, path: path}) }
	var lines []said
	var good *url.URL
	eventually(t, "a link that was quick enough", func() bool {
		lines = h.messages(t, "?conversationId="+id)
		var err error
		if good, err = url.Parse(lines[0].Attachments[0].URL); err != nil {
			t.Fatal(err)
		}
		return get(good.RequestURI()).text == "hello"
	})
	other := strings.Replace(good.RequestURI(), lines[0].Attachments[0].ID, lines[1].Attachments[0].ID, 1)
	longer := good.Query()
	longer.Set("expires", "9999999999")
	for name, path := range map[string]string{
		"another file": other, "longer": good.Path + "?" + longer.Encode(), "bare": good.Path, "cut": good.RequestURI()[:len(good.RequestURI())-2],
	} {
		if got := get(path); got.status != http.StatusForbidden {
			t.Errorf("%s: %v, want 403", name, got)
		}
	}
	eventually(t, "the link to expire", func() bool { return get(good.RequestURI()).status == http.StatusForbidden })
}

func TestFile_what_is_taken(t *testing.T) {
	t.Parallel()
	h := run(t, pgtest.DB(t, contoso.Schema()), contoso.Config{FileLimit: 1000})
	id, ended := h.open(t, ""), h.open(t, "")
	h.ok(t, call{path: "/api/chat/end", body: replaceID(`{"conversationId":"ID"}`, ended)}, nil)
	sum := sha256.Sum256([]byte("x"))
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	rows := map[string]struct {
		call   call
		status int
	}{
		"a file":              {attach(id, "a.txt", "x"), 200},
		"its digest":          {attach(id, "a.txt", "x", "Content-Digest", "md5=:AAAA:, "+digest), 200},
		"another's digest":    {attach(id, "a.txt", "y", "Content-Digest", digest), 400},
		"at the limit":        {attach(id, "a.txt", strings.Repeat("x", 1000)), 200},
		"above the limit":     {attach(id, "a.txt", strings.Repeat("x", 1001)), 413},
		"empty":               {attach(id, "a.txt", ""), 400},
		"no name":             {attach(id, " ", "x"), 400},
		"a folder":            {attach(id, "/..", "x"), 400},
		"a name too long":     {attach(id, strings.Repeat("x", 201), "x"), 400},
		"unknown":             {attach("nobody", "a.txt", "x"), 404},
		"ended":               {attach(ended, "a.txt", "x"), 409},
		"ended, and too long": {attach(ended, "a.txt", strings.Repeat("x", 5000)), 409},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := h.do(t, row.call); got.status != row.status {
				t.Errorf("got %v, want %d", got, row.status)
			}
		})
	}
}

func TestFile_of_20_MiB_once_per_key(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{})
	id := h.open(t, "")
	content := string(bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16))
	for range 2 {
		h.ok(t, attach(id, "large.bin", content, "Idempotency-Key", "k"), nil)
	}
	lines := h.messages(t, "?conversationId="+id)
	if len(lines) != 1 || lines[0].Attachments[0].Size != 20<<20 {
		t.Fatalf("got %+v, want one file", lines)
	}
	got := h.do(t, call{method: http.MethodGet, path: strings.TrimPrefix(lines[0].Attachments[0].URL, h.url)})
	if got.status != http.StatusOK || got.text != content {
		t.Errorf("status %d, %d bytes come back", got.status, len(got.text))
	}
	h.ok(t, call{path: "/api/chat/delete", body: jsonOf(t, map[string]string{"conversationId": id, "key": "k"})}, nil)
	var pieces int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM contoso.file_piece`).Scan(&pieces); err != nil || pieces > 0 {
		t.Errorf("%v: %d pieces of what was deleted are kept", err, pieces)
	}
}

func TestFile_what_was_not_received_to_its_end_is_swept(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t, contoso.Schema())
	h := run(t, db, contoso.Config{FileLimit: 10})
	id := h.open(t, "")
	if got := h.do(t, attach(id, "a.txt", strings.Repeat("x", 11))); got.status != http.StatusRequestEntityTooLarge {
		t.Fatal(got)
	}
	// As a process leaves it that is killed meanwhile.
	_, err := db.Exec(t.Context(), `
		WITH f AS (INSERT INTO contoso.file (name, content_type, created_at) VALUES ('a.txt', 'text/plain', now() - interval '61 minutes') RETURNING id)
		INSERT INTO contoso.file_piece (file_id, number, data) SELECT id, 0, 'x' FROM f`)
	if err != nil {
		t.Fatal(err)
	}
	h.ok(t, attach(id, "a.txt", "x"), nil)
	var files, pieces int
	err = db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM contoso.file), (SELECT count(*) FROM contoso.file_piece)`).Scan(&files, &pieces)
	if err != nil || files != 1 || pieces != 1 {
		t.Errorf("%v: %d files, %d pieces, want one each", err, files, pieces)
	}
}

func TestFile_the_desk_shows_files_to_agents_alone(t *testing.T) {
	t.Parallel()
	o := openOffice(t, sandbox.Config{}, "CONTOSO_API_KEY", "right", "CONTOSO_FILE_LINK_LIFE", "1h")
	agent := sandboxtest.SignIn(t, o.url, adele)
	var out struct{ ConversationID string }
	key := header("X-API-Key", "right")
	o.ok(t, call{path: "/api/chat/start", header: key}, &out)
	o.ok(t, attach(out.ConversationID, "a.txt", "hello", "X-API-Key", "right"), nil)
	var lines []said
	o.ok(t, call{method: http.MethodGet, path: "/api/chat/messages", header: key}, &lines)
	path := call{method: http.MethodGet, path: "/api/desk/files/" + lines[0].Attachments[0].ID, header: key}
	if got := o.do(t, path); got.status != http.StatusUnauthorized {
		t.Errorf("with a key: %v", got)
	}
	if got := o.as(t, agent, path); got.text != "hello" {
		t.Errorf("an agent: %v", got)
	}
	path.path += "x"
	if got := o.as(t, agent, path); got.status != http.StatusNotFound {
		t.Errorf("an unknown file: %v", got)
	}
}
