package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// consentValue is the value of a fileConsent/invoke.
type consentValue struct {
	Type, Action string
	Context      object
	UploadInfo   struct{ UploadURL, ContentURL, Name, UniqueID, FileType string }
}

// newBot is a bot that keeps what Teams invokes.
func newBot(tb testing.TB, s *sandbox.Sandbox, status int) (values <-chan consentValue) {
	tb.Helper()
	kept := make(chan consentValue, 8)
	keys := oidc.NewRemoteKeySet(tb.Context(), s.URL()+"/channel/v1/.well-known/keys")
	verifier := oidc.NewVerifier("https://api.botframework.com", keys, oidcFor(copilot))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := verifier.Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
			tb.Errorf("invoke: %v", err)
		}
		var a activity.Activity
		var v consentValue
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil || json.Unmarshal(a.Value, &v) != nil || a.Name != "fileConsent/invoke" {
			tb.Errorf("invoke %+v: %v", a, err)
		}
		kept <- v
		w.WriteHeader(status)
	}))
	tb.Cleanup(server.Close)
	s.SetBotURL(server.URL + "/api/messages")
	return kept
}

func consentCard() object {
	return withCards(object{"contentType": "application/vnd.microsoft.teams.card.file.consent", "name": "bill.txt", "content": object{
		"description": "Your bill", "sizeInBytes": 10, "acceptContext": object{"bill": 7}, "declineContext": object{"bill": 8},
	}})
}

// put uploads a piece.
func put(tb testing.TB, target, piece, contentRange, token string) int {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPut, target, strings.NewReader(piece))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Range", contentRange)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestFileComesByConsentAndUpload(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	invokes := newBot(t, s, http.StatusOK)
	before := len(s.Calls())
	line := posted(t, s, alex, consentCard())
	sandboxtest.Press(t, alex, line, "Allow", nil)
	v := <-invokes
	if v.Type != "fileUpload" || v.Action != "accept" || v.Context["bill"] != 7.0 || v.UploadInfo.Name != "bill.txt" || v.UploadInfo.FileType != "txt" {
		t.Fatalf("invoke %+v", v)
	}
	if len(s.Calls()) != before {
		t.Error("the skill was called")
	}
	var got []int
	for _, piece := range []struct{ text, at string }{
		{"01234", ""},                  // without a range
		{"01234", "bytes 0-5/10"},      // of another length
		{"01234", "bytes 0-4/11"},      // of a larger file
		{"56789", "bytes 5-9/10"},      // before its time
		{"01234", "bytes 0-4/10"},      // the first half
		{"56789", "bytes 5-9/10"},      // the second
		{"0123456789", "bytes 0-9/10"}, // once more
	} {
		got = append(got, put(t, v.UploadInfo.UploadURL, piece.text, piece.at, ""))
	}
	if diff := cmp.Diff([]int{400, 400, 400, 416, 202, 201, 404}, got); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
	posted(t, s, alex, withCards(object{
		"contentType": "application/vnd.microsoft.teams.card.file.info", "name": "bill.txt", "contentUrl": v.UploadInfo.ContentURL,
		"content": object{"uniqueId": v.UploadInfo.UniqueID, "fileType": "txt"},
	}))
	lines := alex.Lines()
	files := lines[len(lines)-1].Files
	if len(files) != 1 || files[0].Name != "bill.txt" || files[0].Size != 10 {
		t.Fatalf("shown %+v", files)
	}
	if status, body, err := fetch(t.Context(), t, s.URL()+"/"+files[0].URL, ""); status != http.StatusOK || string(body) != "0123456789" {
		t.Errorf("%d %s %v", status, body, err)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestTokenIsNotForTheUploadSession(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	invokes := newBot(t, s, http.StatusOK)
	sandboxtest.Press(t, alex, posted(t, s, alex, consentCard()), "Allow", nil)
	if status := put(t, (<-invokes).UploadInfo.UploadURL, "0123456789", "bytes 0-9/10", "secret"); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{"token leaked: PUT with Authorization to a pre-authenticated URL"}, s.Violations()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestDeclinedFileIsNotUploaded(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	invokes := newBot(t, s, http.StatusOK)
	sandboxtest.Press(t, alex, posted(t, s, alex, consentCard()), "Decline", nil)
	if v := <-invokes; v.Action != "decline" || v.Context["bill"] != 8.0 || v.UploadInfo.UploadURL != "" {
		t.Errorf("invoke %+v", v)
	}
}

func TestInvokeEndsAtCopilotStudioOrWithTheBotsAnswer(t *testing.T) {
	t.Parallel()
	s, _, alex := withSkill(t, sandbox.Config{})
	line := posted(t, s, alex, consentCard())
	before := len(s.Calls())
	sandboxtest.Press(t, alex, line, "Allow", nil)
	newBot(t, s, http.StatusNotImplemented)
	if err := alex.Press(patient(t), line, "Allow", nil); err == nil {
		t.Error("a bot that refuses is no error")
	}
	var got []string
	for _, i := range s.Invokes() {
		got = append(got, fmt.Sprint(i.Name, " ", i.Status))
	}
	if diff := cmp.Diff([]string{"fileConsent/invoke 200", "fileConsent/invoke 501"}, got); diff != "" || len(s.Calls()) != before {
		t.Errorf("invokes (-want +got), %d calls of the skill:\n%s", len(s.Calls())-before, diff)
	}
}
