package directline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/directline"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestATalk is the way of statements 84 to 86: a token of Copilot Studio's, the
// region it names, a greeting, words both ways, and the event that gives the user
// away.
func TestATalk(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv, e := open(t, c), newEar()
	listen(t, conv, e)
	context, err := directline.SetContext(map[string]any{"Tier": "gold"})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range []activity.Activity{directline.Greet(), context} {
		if err := conv.Post(patient(t), directline.Post{Key: fmt.Sprint("event", i), Activity: a}); err != nil {
			t.Fatal(err)
		}
	}
	e.wait(t, 1)
	s.Direct().KeepAlive(conv.State().Conversation)
	s.Direct().Push(conv.State().Conversation, []byte(`{"activities":[{"type":7},"x"],"watermark":null}`))
	s.Direct().Push(conv.State().Conversation, []byte(`{`))
	say(t, conv, "1", "talk to a person")
	say(t, conv, "2", "my printer burns")
	want := []string{sandbox.Greeting, sandbox.AskProblem, sandbox.Transferring, "handoff.initiate"}
	if diff := cmp.Diff(want, e.wait(t, len(want))); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if got := e.said()[0].Suggestions; !cmp.Equal(got, []directline.Suggestion{{Title: "Talk to a person", Value: "Talk to a person"}}) {
		t.Errorf("suggestions %v", got)
	}
	if diff := cmp.Diff([]string{"startConversation", "pvaSetContext", "talk to a person", "my printer burns"}, userSaid(s, conv.State().Conversation)); diff != "" {
		t.Errorf("the copilot heard (-want +got):\n%s", diff)
	}
	if v := s.Violations(); v != nil {
		t.Errorf("violations %q", v)
	}
}

func TestThereIsOneListenerAndOneStream(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv := open(t, c)
	listen(t, conv, newEar())
	id := conv.State().Conversation
	if err := s.Direct().WaitStream(patient(t), id, true); err != nil {
		t.Fatal(err)
	}
	if err := conv.Listen(patient(t), newEar().hear); !errors.Is(err, directline.ErrListening) {
		t.Errorf("a second listener: %v", err)
	}
	if n := s.Direct().Collisions(id); n != 0 {
		t.Errorf("%d collisions", n)
	}
}

// TestParkedTalksHoldNothing: what nobody talks in costs no stream, and goes on
// with the next word where it was.
func TestParkedTalksHoldNothing(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	c.Pace.Quiet = 50 * time.Millisecond
	var states []directline.State
	for range 20 {
		conv, e := open(t, c), newEar()
		say(t, conv, "1", "one")
		if err := conv.Listen(patient(t), e.hear); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"you said one"}, e.texts()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
		if err := s.Direct().WaitStream(patient(t), conv.State().Conversation, false); err != nil {
			t.Fatal(err)
		}
		states = append(states, conv.State())
	}
	if n := s.Direct().Streams(); n != 0 {
		t.Errorf("%d streams are open", n)
	}
	for _, state := range states {
		kept, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		var back directline.State
		if err := json.Unmarshal(kept, &back); err != nil || len(kept) > 1024 {
			t.Fatalf("a state of %d bytes: %v", len(kept), err)
		}
		s.Direct().Say(state.Conversation, activity.Activity{Type: activity.TypeMessage, Text: "still there?"})
		conv, e := c.Resume(back), newEar()
		say(t, conv, "2", "two")
		if err := conv.Listen(patient(t), e.hear); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"still there?", "you said two"}, e.texts()); diff != "" {
			t.Errorf("heard after the pause (-want +got):\n%s", diff)
		}
	}
}

// TestWhatIsNotHandledComesAgain: the state moves when hear is content.
func TestWhatIsNotHandledComesAgain(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	conv, e := open(t, c), newEar()
	say(t, conv, "1", "one")
	e.fail = errors.New("the database is away")
	if err := conv.Listen(patient(t), e.hear); err == nil || err.Error() != "the database is away" {
		t.Fatalf("got %v, want the error of hear", err)
	}
	listen(t, c.Resume(conv.State()), e)
	if diff := cmp.Diff([]string{"you said one"}, e.wait(t, 1)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestTokensAreRefreshedAtHalfLife(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	s.Direct().SetTokenLife(8 * time.Second)
	conv := open(t, c)
	s.Direct().SetTokenLife(30 * time.Minute)
	first := conv.State()
	listen(t, conv, newEar())
	var refresh sandbox.Request
	for n := 1; !strings.HasSuffix(refresh.Path, "/tokens/refresh"); n++ {
		calls, err := s.WaitRequests(patient(t), sandbox.DirectLine, n)
		if err != nil {
			t.Fatalf("%v, %+v", err, calls)
		}
		refresh = calls[n-1]
	}
	if early := refresh.At.Sub(first.Issued); early < 4*time.Second {
		t.Errorf("refreshed after %s of 8 s", early)
	}
	tick, enough := time.NewTicker(5*time.Millisecond), patient(t)
	defer tick.Stop()
	for conv.State().Token == first.Token && enough.Err() == nil { // the answer may take its time
		<-tick.C
	}
	say(t, conv, "1", "hello")
	if now := conv.State(); now.Token == first.Token || now.Expires.Before(first.Expires.Add(time.Minute)) {
		t.Error("the refreshed token is not used")
	}
}

func TestAnExpiredTokenIsReplacedOnlyWithASecret(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	conv := open(t, c)
	s.Direct().ExpireTokens(conv.State().Conversation)
	for name, err := range map[string]error{
		"post":   conv.Post(patient(t), words("1", "one")),
		"listen": c.Resume(conv.State()).Listen(patient(t), newEar().hear),
	} {
		if gone, ok := errors.AsType[*directline.LostError](err); !ok || !gone.Expired || !gone.Permanent() {
			t.Errorf("%s: %v, want a lost token", name, err)
		}
	}

	conv, e := open(t, withSecret(s, c)), newEar()
	listen(t, conv, e)
	if err := s.Direct().WaitStream(patient(t), conv.State().Conversation, true); err != nil {
		t.Fatal(err)
	}
	s.Direct().ExpireTokens(conv.State().Conversation)
	say(t, conv, "1", "one")
	s.Direct().ExpireTokens(conv.State().Conversation)
	s.Direct().DropStream(conv.State().Conversation)
	say(t, conv, "2", "two")
	if diff := cmp.Diff([]string{"you said one", "you said two"}, e.wait(t, 2)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

// TestAStreamThatBeginsNowLeavesNoGap: reconnecting without a watermark gives what
// is said from then on.
func TestAStreamThatBeginsNowLeavesNoGap(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	echoes(s)
	conv, e := open(t, withSecret(s, c)), newEar()
	s.Direct().Say(conv.State().Conversation, activity.Activity{Type: activity.TypeMessage, Text: "early"})
	s.Direct().ExpireTokens(conv.State().Conversation)
	say(t, conv, "1", "one")
	listen(t, conv, e)
	if diff := cmp.Diff([]string{"early", "you said one"}, e.wait(t, 2)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestAnUploadMeetsAnExpiredToken(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv := open(t, withSecret(s, c))
	s.Direct().ExpireTokens(conv.State().Conversation)
	upload := func() error {
		return conv.Upload(patient(t), words("1", "look"), directline.File{Name: "a.txt", ContentType: "text/plain", Content: strings.NewReader("x")})
	}
	err := upload()
	if _, gone := errors.AsType[*directline.LostError](err); err == nil || gone {
		t.Fatalf("got %v, want an error that asks for repetition", err)
	}
	if err := upload(); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestAConversationThatIsGoneIsLost(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv := open(t, c)
	s.Direct().Forget(conv.State().Conversation)
	for name, err := range map[string]error{
		"post":   conv.Post(patient(t), words("1", "one")),
		"listen": conv.Listen(patient(t), newEar().hear),
	} {
		if gone, ok := errors.AsType[*directline.LostError](err); !ok || gone.Expired {
			t.Errorf("%s: %v, want a conversation that is gone", name, err)
		}
	}
}

func TestFilesAndSizes(t *testing.T) {
	t.Parallel()
	s, c := rig(t)
	conv := open(t, c)
	err := conv.Upload(patient(t), words("1", "look"),
		directline.File{Name: `a "b".txt`, ContentType: "text/plain", Content: strings.NewReader("first")},
		directline.File{Name: "c.bin", ContentType: "application/octet-stream", Content: strings.NewReader("second")})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Direct().Log(conv.State().Conversation)[0]
	if got.Text != "look" || len(got.Attachments) != 2 || got.Attachments[0].Name != `a "b".txt` || got.Attachments[1].ContentType != "application/octet-stream" {
		t.Errorf("the copilot got %+v", got)
	}
	again := words("1", "look")
	again.Again = true
	if err := conv.Upload(patient(t), again, directline.File{Content: strings.NewReader("x")}); err != nil || len(userSaid(s, conv.State().Conversation)) != 1 {
		t.Errorf("an upload that is known was made again: %v", err)
	}
	err = conv.Post(patient(t), words("2", strings.Repeat("x", directline.MaxActivity)))
	if size, ok := errors.AsType[*directline.SizeError](err); !ok || !size.Permanent() {
		t.Errorf("a huge text: %v", err)
	}
}
