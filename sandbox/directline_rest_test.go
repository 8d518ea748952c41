package sandbox_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
)

func TestDirectLineTokens(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	url, o := line(t, s)
	tokens := s.Direct().BaseURL() + "v3/directline/tokens/"
	refreshed := ask[opened](t, http.MethodPost, tokens+"refresh", o.Token, nil, http.StatusOK)
	if refreshed.Token == o.Token || refreshed.ConversationID != o.ConversationID {
		t.Errorf("refreshed %+v", refreshed)
	}
	if again := ask[opened](t, http.MethodPost, url[:strings.LastIndex(url, "/")], o.Token, nil, http.StatusOK); again.ConversationID != o.ConversationID {
		t.Errorf("a token opened %s and %s", o.ConversationID, again.ConversationID)
	}
	bound := ask[opened](t, http.MethodPost, tokens+"generate", s.Direct().Secret(), map[string]any{"user": map[string]string{"id": "dl_bound"}}, http.StatusOK)
	ask[opened](t, http.MethodPost, url[:strings.LastIndex(url, "/")], bound.Token, nil, http.StatusCreated)
	ask[any](t, http.MethodPost, s.Direct().BaseURL()+"v3/directline/conversations/"+string(bound.ConversationID)+"/activities", bound.Token, says("hello"), http.StatusOK)
	if from := s.Direct().Log(bound.ConversationID)[0].From.ID; from != "dl_bound" {
		t.Errorf("the bound user is %s", from)
	}
	other, _ := line(t, s)
	s.Direct().ExpireTokens(o.ConversationID)
	for name, row := range map[string]struct {
		method, url, token string
		status             int
		code               string
	}{
		"no token":                 {http.MethodGet, url, "", 401, "Unauthorized"},
		"an unknown token":         {http.MethodGet, url, "x", 403, "BadArgument"},
		"an expired token":         {http.MethodGet, url, refreshed.Token, 403, "TokenExpired"},
		"an expired token's turn":  {http.MethodPost, tokens + "refresh", refreshed.Token, 403, "TokenExpired"},
		"another's conversation":   {http.MethodGet, other, bound.Token, 404, "BadArgument"},
		"a watermark that is none": {http.MethodGet, url + "?watermark=x", s.Direct().Secret(), 400, "BadArgument"},
	} {
		if status, body := sendRead(patient(t), t, row.method, row.url, row.token, nil); status != row.status || code(t, body) != row.code {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	s.Direct().SetSecured(true)
	if status := send(patient(t), t, http.MethodGet, s.Direct().TokenURL(), "", nil); status != http.StatusForbidden {
		t.Errorf("secured access answers %d", status)
	}
}

func TestDirectLineTakesUploads(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	url, o := line(t, s)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"text/plain"}, "Content-Disposition": {`form-data; name="file"; filename="note.txt"`}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, "the printer burns")
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(patient(t), http.MethodPost, url+"/upload?userId=dl_user", &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.Token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := s.Direct().Log(o.ConversationID)[0]
	if resp.StatusCode != http.StatusOK || len(got.Attachments) != 1 || got.Attachments[0].Name != "note.txt" || got.From.ID != "dl_user" {
		t.Fatalf("status %d, %+v", resp.StatusCode, got)
	}
	if status, content := sendRead(patient(t), t, http.MethodGet, got.Attachments[0].ContentURL, "", nil); status != http.StatusOK || string(content) != "the printer burns" {
		t.Errorf("the file is %d %s", status, content)
	}
}

func TestDirectLineFaults(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	url, o := line(t, s)
	s.Fault(sandbox.DirectLine, sandbox.Fault{Status: 429, RetryAfter: time.Second, Times: 1})
	s.Fault(sandbox.DirectLine, sandbox.Fault{Status: 502, Code: "BotRejectedActivity", Accept: true, Times: 1})
	for _, want := range []int{429, 502, 200} {
		if got := send(patient(t), t, http.MethodPost, url+"/activities", o.Token, says("hello")); got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
	if n := len(s.Direct().Log(o.ConversationID)); n != 4 {
		t.Errorf("%d activities, want those of two posts", n)
	}
	s.Fault(sandbox.DirectLineStream, sandbox.Fault{Status: 503, Times: 1})
	if _, status := dial(t, o.StreamURL); status != http.StatusServiceUnavailable {
		t.Errorf("a stream that was to fail: %d", status)
	}
	s.Direct().Forget(o.ConversationID)
	if got := send(patient(t), t, http.MethodGet, url, o.Token, nil); got != http.StatusNotFound {
		t.Errorf("a forgotten conversation answers %d", got)
	}
}
