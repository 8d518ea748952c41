package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

func TestHostTakesActivitiesFromTheSkillOnly(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	lee := s.User("Lee")
	escalated(t, lee)
	path := s.URL() + "/pvaruntime/api/runtime/bots/" + copilot + "/skillsV2/v3/conversations/"
	mine := path + url.PathEscape(string(lee.Conversation())) + "/activities"
	words := map[string]any{"type": "message", "text": "from the skill", "textFormat": "plain"}
	reply := sandbox.Token{Kind: sandbox.SkillReply}
	for _, row := range []struct {
		name, url string
		token     sandbox.Token
		want      int
	}{
		{"the skill", mine, reply, http.StatusOK},
		{"the skill, in reply", mine + "/" + k.last().ID, reply, http.StatusOK},
		{"the skill, version 1", mine, sandbox.Token{Claims: map[string]any{"aud": copilot, "ver": "1.0", "appid": skill, "azp": nil}}, http.StatusOK},
		{"the copilot itself", mine, sandbox.Token{Kind: sandbox.SkillReply, Claims: map[string]any{"azp": copilot}}, http.StatusUnauthorized},
		{"a token for the connector", mine, sandbox.Token{Kind: sandbox.ConnectorUse}, http.StatusUnauthorized},
		{"a stranger's key", mine, sandbox.Token{Kind: sandbox.SkillReply, Key: sandbox.KeyStranger}, http.StatusUnauthorized},
		{"another bot", strings.Replace(mine, "bots/"+copilot, "bots/"+skill, 1), reply, http.StatusUnauthorized},
		{"an unknown conversation", path + "a:1none/activities", reply, http.StatusNotFound},
		{"an id that is not escaped", path + string(lee.Conversation()) + "/activities", reply, http.StatusNotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if status := send(t.Context(), t, "POST", row.url, sandboxtest.Mint(t, s, row.token), words); status != row.want {
				t.Errorf("status %d, want %d", status, row.want)
			}
		})
	}
}

func TestHostMayAnswerWithoutABody(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	s.Fault(sandbox.SkillHost, sandbox.Fault{EmptyBody: true})
	newSkill(t, s)
	escalated(t, s.User("Lee"))
	got, err := s.WaitRequests(patient(t), sandbox.SkillHost, 1)
	if err != nil || len(got) != 1 || got[0].Status != http.StatusOK {
		t.Errorf("requests %+v, %v", got, err)
	}
}

func TestCopilotStudioPassesTheUsersConversation(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	megan := s.User("Megan")
	escalated(t, megan)
	ids := map[string]bool{}
	for _, a := range k.received() {
		ids[a.ID] = true
		if a.Conversation.ID != megan.Conversation() || a.RelatesTo != nil || a.Recipient.ID != "" || a.Recipient.Role != "" {
			t.Errorf("not as Copilot Studio: %+v", a)
		}
		if a.From.ID != megan.ID() || a.From.Name != "Megan Bowen" || a.From.AADObjectID == "" || a.Tenant() != tenant || a.Client().Locale != "en-US" {
			t.Errorf("who and where: %+v", a)
		}
	}
	if len(ids) != 2 {
		t.Errorf("%d different activity ids, want 2", len(ids))
	}
	claims := verified(t.Context(), t, provider(t, s).Verifier(oidcFor(skill)), k.tokens[0])
	if claims["azp"] != copilot {
		t.Errorf("the call is by %v", claims["azp"])
	}
}

func TestBotFrameworkMintsAConversationUntilItsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{Style: sandbox.StyleBotFramework})
	k := newSkill(t, s)
	lee := s.User("Lee")
	escalated(t, lee)
	got := k.received()
	first, second := got[0], got[1]
	if first.Conversation.ID == lee.Conversation() || first.Conversation.ID == second.Conversation.ID {
		t.Errorf("conversations %s, %s of %s", first.Conversation.ID, second.Conversation.ID, lee.Conversation())
	}
	relates := first.RelatesTo
	if relates == nil || relates.Conversation.ID != lee.Conversation() || relates.ServiceURL != s.URL()+"/teams/" || first.Recipient.Role != "skill" {
		t.Errorf("relatesTo %+v, recipient %+v", relates, first.Recipient)
	}
	if status := k.post(t.Context(), first, activity.Activity{Type: activity.TypeMessage, Text: "late"}); status != http.StatusNotFound {
		t.Errorf("a post to the forgotten conversation: %d, want 404", status)
	}
	if status := k.post(t.Context(), second, activity.Activity{Type: activity.TypeMessage, Text: "live"}); status != http.StatusOK {
		t.Errorf("a post to the live conversation: %d, want 200", status)
	}
}

func TestPostForAnInlineTurnIsAViolation(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	alex := s.User("Alex")
	alex.ExpectReplies(true)
	escalated(t, alex)
	a := k.last()
	k.post(t.Context(), a, activity.Activity{Type: activity.TypeMessage, Text: "late", ReplyToID: a.ID})
	k.post(t.Context(), a, activity.Activity{Type: activity.TypeMessage, Text: "out of turn"})
	if diff := cmp.Diff([]string{"message posted for a turn with expectReplies"}, s.Violations()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	newSkill(t, s)
	escalated(t, s.User("Lee"))
	calls := s.Calls()
	if len(calls) != 2 || calls[0].Activity.Name != "startConversation" || calls[1].Status != http.StatusAccepted || calls[1].Took <= 0 {
		t.Errorf("calls %+v", calls)
	}
}

func TestHealthCheckAndManifest(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{})
	k := newSkill(t, s)
	status, err := s.HealthCheck(patient(t))
	if err != nil || status != http.StatusAccepted || k.last().Type != activity.TypeEndOfConversation || k.last().Conversation.ID != "" {
		t.Errorf("health check: %d %v %+v", status, err, k.last())
	}
	manifest, err := s.FetchManifest(patient(t))
	if err != nil || string(manifest) != `{"name":"scripted"}` {
		t.Errorf("manifest: %s %v", manifest, err)
	}
}

func TestInlineAnswerWithNonsenseIsAnApology(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Config{ExpectReplies: true})
	k := newSkill(t, s)
	k.use(func(activity.Activity) (int, []activity.Activity) {
		return http.StatusOK, []activity.Activity{{Type: activity.TypeMessage, Attachments: []activity.Attachment{{ContentType: "application/pdf"}}}}
	})
	lee := s.User("Lee")
	say(t, lee, "human")
	if err := lee.Say(patient(t), "It is broken"); err == nil {
		t.Error("the copilot took it")
	}
}

func TestInlineAnswersAreHeldToTheirForm(t *testing.T) {
	t.Parallel()
	for body, wellFormed := range map[string]bool{`{"activities":[]}`: true, `{"activities":null}`: false, `{}`: false} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Config{ExpectReplies: true, Patience: shortPatience})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
			t.Cleanup(server.Close)
			s.SetSkillURL(server.URL)
			lee := s.User("Lee")
			say(t, lee, "human")
			if err := lee.Say(patient(t), "It is broken"); err == nil {
				t.Error("no apology although the skill did not end the call")
			}
			if v := s.Violations(); (len(v) == 0) != wellFormed {
				t.Errorf("violations: %v", v)
			}
		})
	}
}
