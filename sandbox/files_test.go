package sandbox_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// pixel is the smallest GIF there is.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;")

var report = sandbox.File{Name: "my report.pdf", Type: "application/pdf", Content: bytes.Repeat([]byte("report "), 1000)}

// fetch reads without following redirects, with a token or without.
func fetch(ctx context.Context, tb testing.TB, target, token string) (status int, body []byte, err error) {
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, body, err
}

// download is the download.info of an attachment.
type download struct{ DownloadURL, UniqueID, FileType string }

func downloadOf(tb testing.TB, a activity.Activity) download {
	tb.Helper()
	var d download
	if len(a.Attachments) != 1 || a.Attachments[0].ContentType != "application/vnd.microsoft.teams.file.download.info" {
		tb.Fatalf("attachments %+v", a.Attachments)
	}
	if err := json.Unmarshal(a.Attachments[0].Content, &d); err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestFileIsDownloadedWithoutAToken(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	sandboxtest.Send(t, alex, sandbox.Message{Text: "see", Files: []sandbox.File{report}})
	d := downloadOf(t, k.last())
	if d.UniqueID == "" || d.FileType != "pdf" || k.last().Attachments[0].Name != report.Name {
		t.Errorf("announced %+v", d)
	}
	status, body, err := fetch(t.Context(), t, d.DownloadURL, "")
	if err != nil || status != http.StatusOK || !bytes.Equal(body, report.Content) {
		t.Errorf("status %d, %d bytes, %v", status, len(body), err)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
	if status, _, _ := fetch(t.Context(), t, d.DownloadURL, botToken(t.Context(), t, s)); status != http.StatusUnauthorized {
		t.Errorf("with a token: %d", status)
	}
	if diff := cmp.Diff([]string{"token leaked: GET with Authorization to a pre-authenticated URL"}, s.Violations()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
	s.ExpireDownloads()
	if status, _, _ := fetch(t.Context(), t, d.DownloadURL, ""); status != http.StatusForbidden {
		t.Errorf("expired: %d", status)
	}
}

func TestDownloadsFailOnRequest(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		fault  sandbox.Fault
		status int
		bytes  int
		breaks bool
	}{
		{"expired", sandbox.Fault{Status: 403}, 403, -1, false},
		{"too short", sandbox.Fault{Size: 100}, 200, 100, true},
		{"longer than told", sandbox.Fault{Size: 9000}, 200, 9000, false},
		{"dripping", sandbox.Fault{Drip: time.Millisecond}, 200, 7000, false},
		{"leading inside", sandbox.Fault{Redirect: "http://169.254.169.254/"}, 302, 0, false},
		{"never", sandbox.Fault{Reset: true}, 0, 0, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, k, alex := withSkill(t, sandbox.Config{})
			sandboxtest.Send(t, alex, sandbox.Message{Files: []sandbox.File{report}})
			s.Fault(sandbox.Files, row.fault)
			status, body, err := fetch(t.Context(), t, downloadOf(t, k.last()).DownloadURL, "")
			if status != row.status || (err != nil) != row.breaks || row.bytes >= 0 && len(body) != row.bytes {
				t.Errorf("status %d, %d bytes, %v; want %d, %d bytes, broken %t", status, len(body), err, row.status, row.bytes, row.breaks)
			}
		})
	}
}

func TestDrippingEndsWithItsReader(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	sandboxtest.Send(t, alex, sandbox.Message{Files: []sandbox.File{report}})
	s.Fault(sandbox.Files, sandbox.Fault{Drip: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, body, err := fetch(ctx, t, downloadOf(t, k.last()).DownloadURL, ""); err == nil || len(body) > 1024 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestPastedPictureNeedsTheBotsToken(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	sandboxtest.Send(t, alex, sandbox.Message{Text: "look", Files: []sandbox.File{{Name: "a.gif", Type: "image/gif", Content: pixel, Inline: true}}})
	a := k.last().Attachments
	if len(a) != 1 || a[0].ContentType != "image/*" || !strings.HasPrefix(a[0].ContentURL, s.URL()+"/teams/v3/attachments/") {
		t.Fatalf("attachments %+v", a)
	}
	if status, _, _ := fetch(t.Context(), t, a[0].ContentURL, ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	if status, _, _ := fetch(t.Context(), t, a[0].ContentURL, sandboxtest.Mint(t, s, sandbox.Token{})); status != http.StatusUnauthorized {
		t.Errorf("with another token: %d", status)
	}
	token := botToken(t.Context(), t, s)
	if status, body, err := fetch(t.Context(), t, a[0].ContentURL, token); status != http.StatusOK || !bytes.Equal(body, pixel) {
		t.Errorf("status %d, %q, %v", status, body, err)
	}
	info := strings.TrimSuffix(a[0].ContentURL, "/views/original")
	if status, body, _ := fetch(t.Context(), t, info, token); status != http.StatusOK || !strings.Contains(string(body), `"viewId":"original"`) {
		t.Errorf("info: %d %s", status, body)
	}
	for _, none := range []string{info + "/views/none", s.URL() + "/teams/v3/attachments/none", s.URL() + "/teams/v3/attachments/none/views/original"} {
		if status, _, _ := fetch(t.Context(), t, none, token); status != http.StatusNotFound {
			t.Errorf("%s: %d", none, status)
		}
	}
}

func TestHostMayKeepAttachmentsBack(t *testing.T) {
	t.Parallel()
	_, k, alex := withSkill(t, sandbox.Config{Switches: sandbox.Switches{DropFiles: true}})
	sandboxtest.Send(t, alex, sandbox.Message{Text: "see", HTML: "<p>see</p>", Files: []sandbox.File{report}})
	if a := k.last(); a.Text != "see" || a.Attachments != nil {
		t.Errorf("got %+v", a)
	}
}

func TestFormattedMessageComesTwice(t *testing.T) {
	t.Parallel()
	s, k, alex := withSkill(t, sandbox.Config{})
	sandboxtest.Send(t, alex, sandbox.Message{
		Text: "Hello <at>Ada</at>, one 🙂", HTML: `<p>Hello <at>Ada</at>, <strong>one</strong> <emoji alt="🙂"></emoji></p>`,
		Mentions: []sandbox.Mention{{ID: "29:ada", Name: "Ada"}},
	})
	want := []any{object{"contentType": "text/html", "content": `<p>Hello <at>Ada</at>, <strong>one</strong> <emoji alt="🙂"></emoji></p>`}}
	got := wire(t, s)
	if diff := cmp.Diff(want, got["attachments"]); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
	entities, _ := got["entities"].([]any)
	mention := object{"type": "mention", "text": "<at>Ada</at>", "mentioned": object{"id": "29:ada", "name": "Ada"}}
	if diff := cmp.Diff(any(mention), entities[len(entities)-1]); diff != "" {
		t.Errorf("mention (-want +got):\n%s", diff)
	}

	theirs := posted(t, s, alex, object{"type": "message", "text": "Which <one>?", "textFormat": "plain"})
	sandboxtest.Send(t, alex, sandbox.Message{Text: "that & this", Quote: theirs})
	a := k.last()
	if a.Text != "Contoso copilot\nWhich <one>?\n\nthat & this" || len(a.Attachments) != 1 {
		t.Errorf("quoted: %q %+v", a.Text, a.Attachments)
	}
	var markup string
	if err := json.Unmarshal(a.Attachments[0].Content, &markup); err != nil || !strings.Contains(markup, `itemid="`+theirs+`"`) || !strings.HasSuffix(markup, "Which &lt;one&gt;?</p></blockquote><p>that &amp; this</p>") {
		t.Errorf("quoted: %s %v", markup, err)
	}
	if _, err := alex.Send(patient(t), sandbox.Message{Text: "x", Quote: "1"}); err == nil {
		t.Error("a quote of nothing was sent")
	}
}

// dataURL is a picture within a message.
func dataURL(kind string, content []byte) string {
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content)
}

func TestBotsPicturesAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	alex := s.User("Alex")
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.gif" || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(pixel)
	}))
	t.Cleanup(host.Close)
	target, token := chatURL(s, alex.Conversation()), botToken(t.Context(), t, s)
	large := append(bytes.Clone(pixel), make([]byte, 1<<20)...)
	for _, row := range []struct {
		name, kind, url string
		want            int
	}{
		{"a picture within", "image/gif", dataURL("image/gif", pixel), 201},
		{"a picture of almost a megabyte", "image/gif", dataURL("image/gif", large[:1<<20]), 201},
		{"a picture elsewhere", "image/gif", host.URL + "/a.gif", 201},
		{"one that is too large", "image/gif", dataURL("image/gif", large), 400},
		{"one of another kind than told", "image/png", dataURL("image/png", pixel), 400},
		{"one of a kind that is not shown", "image/svg+xml", dataURL("image/svg+xml", []byte("<svg/>")), 400},
		{"one that is not there", "image/gif", host.URL + "/b.gif", 400},
		{"one by http from far away", "image/gif", "http://192.0.2.1/a.gif", 400},
		{"one of no URL", "image/gif", "a.gif", 400},
		{"one that is no base64", "image/gif", "data:image/gif;base64,?", 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			status, body := sendRead(t.Context(), t, http.MethodPost, target, token, withCards(object{"contentType": row.kind, "contentUrl": row.url, "name": "a"}))
			if status != row.want || status == 400 && code(t, body) != "BadArgument" {
				t.Errorf("%d %s, want %d", status, body, row.want)
			}
		})
	}
}

func TestPageShowsPicturesAndSavesFiles(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	sandboxtest.Send(t, alex, sandbox.Message{Files: []sandbox.File{report, {Name: "x.html", Type: "text/html", Content: []byte("<script>")}, {Name: "a.gif", Type: "image/gif", Content: pixel}}})
	lines := alex.Lines()
	var got []string
	for _, f := range lines[len(lines)-1].Files {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/"+f.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got = append(got, fmt.Sprint(resp.StatusCode, " ", f.Picture, " ", resp.Header.Get("Content-Type"), " ", resp.Header.Get("Content-Disposition")))
	}
	want := []string{
		`200 false application/octet-stream attachment; filename="my report.pdf"`,
		`200 false application/octet-stream attachment; filename=x.html`,
		`200 true image/gif inline; filename=a.gif`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
