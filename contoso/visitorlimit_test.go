package contoso_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/contoso"
)

// send makes a request, and returns how the answer begins, which goes on until ctx
// ends.
func (v visit) send(ctx context.Context, tb testing.TB, method, path string, body io.Reader) (status int, header http.Header) {
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, method, v.url+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { resp.Body.Close() })
	return resp.StatusCode, resp.Header
}

// wantLater checks that a request is refused for now, and when to come again.
func (v visit) wantLater(tb testing.TB, method, path, body string) {
	tb.Helper()
	status, header := v.send(tb.Context(), tb, method, path, strings.NewReader(body))
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if status != http.StatusTooManyRequests || err != nil || seconds < 1 {
		tb.Errorf("%s: got %d and Retry-After %q", path, status, header.Get("Retry-After"))
	}
}

func TestCanvas_new_conversations_of_an_address_are_limited(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{Canvas: contoso.Canvas{OpenPerIP: 0.001, OpenPerIPBurst: 2}})
	v, other := h.start(t, "{}"), h.start(t, "{}")
	h.visit(t).wantLater(t, http.MethodPost, "/api/canvas/start", "{}")
	var again own
	v.ok(t, call{path: "/api/canvas/start", body: "{}"}, &again)
	if again.Conversation.ID != v.id {
		t.Errorf("got another conversation than the open one")
	}
	other.ok(t, call{path: other.path("/end")}, nil)
	other.wantLater(t, http.MethodPost, "/api/canvas/start", "{}")
	v.ask(t, "words are not counted with them")
}

func TestCanvas_what_a_visitor_says_is_limited(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{Canvas: contoso.Canvas{PerVisitor: 0.001, PerVisitorBurst: 3}})
	v, other := h.start(t, "{}"), h.start(t, "{}")
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	v.ok(t, call{path: v.path("/files?name=a.txt"), body: "x"}, nil)
	l := v.ask(t, "one")
	v.ok(t, call{method: http.MethodPut, path: v.path("/messages/" + l.ID), body: `{"message":"two"}`}, nil)
	v.wantLater(t, http.MethodPost, v.path("/messages"), `{"message":"three"}`)
	v.wantLater(t, http.MethodPost, v.path("/files?name=b.txt"), "x")
	v.wantLater(t, http.MethodPut, v.path("/messages/"+l.ID), `{"message":"three"}`)
	v.wantLater(t, http.MethodPost, "/api/canvas/start", "{}")
	for range 3 {
		want(t, v.do(t, call{path: v.path("/typing")}), 204, "")
	}
	v.wantLater(t, http.MethodPost, v.path("/typing"), "")
	if got := v.texts(t); strings.Join(got, " ") != "passed user: user:two" {
		t.Errorf("the page shows %v", got)
	}
	other.ask(t, "somebody else")
}

func TestCanvas_open_pages_are_limited(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{Canvas: contoso.Canvas{StreamsPerVisitor: 2, Streams: 3}})
	v, other := h.start(t, "{}"), h.start(t, "{}")
	follow := func(v visit) (status int, leave func()) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		t.Cleanup(cancel)
		status, _ = v.send(ctx, t, http.MethodGet, v.path("/events"), http.NoBody)
		return status, cancel
	}
	_, leave := follow(v)
	follow(v)
	v.wantLater(t, http.MethodGet, v.path("/events"), "")
	if status, _ := follow(other); status != http.StatusOK {
		t.Errorf("another user's page got %d", status)
	}
	other.wantLater(t, http.MethodGet, other.path("/events"), "")
	leave()
	eventually(t, "the place of a page that was closed", func() bool {
		status, _ := follow(other)
		return status == http.StatusOK
	})
}

func TestCanvas_a_visitors_files_have_so_much_room(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{FileLimit: 800, Canvas: contoso.Canvas{FileSpace: 1000}})
	v, other := h.start(t, "{}"), h.start(t, "{}")
	for _, v := range []visit{v, other} {
		want(t, h.bot(t, "pass", v.id, nil), 200, "")
	}
	file := func(size int) call { return call{path: v.path("/files?name=a.txt"), body: strings.Repeat("x", size)} }
	var l ownLine
	v.ok(t, file(600), &l)
	want(t, v.do(t, file(401)), 413, "no room")
	want(t, v.do(t, file(0)), 400, "empty")
	v.ok(t, file(400), nil)
	want(t, v.do(t, file(1)), 413, "no room")
	other.ok(t, call{path: other.path("/files?name=a.txt"), body: "another user's"}, nil)
	want(t, h.do(t, call{path: "/api/desk/conversations/" + v.id + "/files?name=b.txt&sender=Ana", body: "an agent's"}), 200, "")
	v.ok(t, call{method: http.MethodDelete, path: v.path("/messages/" + l.ID)}, nil)
	v.ok(t, file(600), nil)

	// What has ended counts as long as it is kept.
	v.ok(t, call{path: v.path("/end")}, nil)
	var again own
	v.ok(t, call{path: "/api/canvas/start", body: "{}"}, &again)
	v.id = again.Conversation.ID
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	want(t, v.do(t, file(1)), 413, "no room")
}

// Several at once do not get more room than one after the other.
func TestCanvas_files_at_once_share_the_room(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{Canvas: contoso.Canvas{FileSpace: 1000}})
	v := h.start(t, "{}")
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	const files = 8
	answers := make(chan answer, files)
	for range files {
		go func() { answers <- v.do(t, call{path: v.path("/files?name=a.txt"), body: strings.Repeat("x", 400)}) }()
	}
	statuses := map[int]int{}
	for range files {
		statuses[(<-answers).status]++
	}
	if statuses[200] != 2 || statuses[413] != files-2 {
		t.Errorf("answered %v, want two files", statuses)
	}
}

// One that is on its way has its room, which it gives back unless it is sent to its
// end.
func TestCanvas_files_on_their_way_take_room(t *testing.T) {
	t.Parallel()
	h := runCanvas(t, contoso.Config{FileLimit: 800, Canvas: contoso.Canvas{FileSpace: 1000}})
	v := h.start(t, "{}")
	want(t, h.bot(t, "pass", v.id, nil), 200, "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	slow, hold := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+v.path("/files?name=slow.txt"), slow) // of unknown length
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := v.client.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	if _, err := hold.Write([]byte("the first of it")); err != nil {
		t.Fatal(err)
	}
	stored := func() (n int) {
		if err := h.db.QueryRow(t.Context(), `SELECT count(*) FROM contoso.file`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the file to be begun", func() bool { return stored() == 1 })
	want(t, v.do(t, call{path: v.path("/files?name=a.txt"), body: strings.Repeat("x", 201)}), 413, "no room")
	hold.CloseWithError(io.ErrUnexpectedEOF)
	<-ended
	eventually(t, "what came of it to be deleted", func() bool { return stored() == 0 })
	v.ok(t, call{path: v.path("/files?name=a.txt"), body: strings.Repeat("x", 800)}, nil)
}
