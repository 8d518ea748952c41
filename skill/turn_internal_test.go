package skill

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
	"github.com/liaison-skill/liaison/texts"
)

// Service URLs of the tests.
const (
	teamsURL   = "https://smba.trafficmanager.net/emea/t/"
	runtimeURL = "https://pvaruntime.eu-il101.gateway.prod.island.powerapps.com/api/skillsV2/"
	botHostURL = "https://host.example.com/api/skills"
)

func handler(tb testing.TB) *Handler {
	tb.Helper()
	cfg, err := auth.Config{Cloud: "public", TrustedServiceURLs: []string{"https://host.example.com/*"}}.Resolve()
	if err != nil {
		tb.Fatal(err)
	}
	hosts, err := auth.NewHosts(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	catalogue, err := texts.Load("", "")
	if err != nil {
		tb.Fatal(err)
	}
	return &Handler{Hosts: hosts, Agents: catalogue.In("en", "")}
}

// TestTurn reads a message as Copilot Studio sends it.
func TestTurn(t *testing.T) {
	t.Parallel()
	a := activity.Activity{
		Type: activity.TypeMessage, ID: "7", ChannelID: "msteams:COPILOT", ServiceURL: runtimeURL, Locale: "de-DE",
		Text: "It is lost", Conversation: activity.Conversation{ID: "a:1", TenantID: "t"},
		From:  activity.Account{ID: "29:user", Name: "Ann", AADObjectID: "oid", Role: "user", Email: "ann@x"},
		Value: json.RawMessage(`{"LiveChatConversationId":"h","ProblemDescription":"order","vip":true}`),
	}
	got, err := handler(t).turn(a, auth.Caller{Kind: auth.Skill, AppID: "COPILOT", Audience: "skill"})
	if err != nil {
		t.Fatal(err)
	}
	bot, user := activity.Account{ID: "28:copilot"}, activity.Account{ID: "29:user", Name: "Ann", AADObjectID: "oid"}
	if diff := cmp.Diff(mapping.Key{BotAppID: "copilot", Conversation: "a:1"}, got.Key); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	if got.Channel != "msteams" || got.Tenant != "t" || got.ID != "7" || got.Claimed != "h" || got.Inline ||
		got.Text != "It is lost" || got.Problem != "order" || got.Variables["vip"] != "true" {
		t.Errorf("turn is %+v", got)
	}
	if diff := cmp.Diff(livechat.User{ID: "oid", Name: "Ann", Email: "ann@x", Locale: "de-DE"}, got.User); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	want := mapping.Reference{
		HostActive: true,
		Teams:      proactive.Target{App: "copilot", ChannelID: "msteams", Conversation: a.Conversation, Bot: bot, User: user, Locale: "de-DE"},
		Host: &proactive.Target{
			ServiceURL: runtimeURL, Audience: "COPILOT", ChannelID: "msteams:COPILOT",
			Conversation: a.Conversation, Bot: bot, User: user, Locale: "de-DE",
		},
	}
	if diff := cmp.Diff(want, got.Reference); diff != "" {
		t.Errorf("reference (-want +got):\n%s", diff)
	}
}

// TestConnectorOrder is the order of docs/decisions/004 as far as one activity
// goes.
func TestConnectorOrder(t *testing.T) {
	t.Parallel()
	h := handler(t)
	for name, tc := range map[string]struct{ own, related, want string }{
		"the related one":                 {botHostURL, teamsURL, teamsURL},
		"a related one that is listed":    {runtimeURL, "https://host.example.com/teams/", "https://host.example.com/teams/"},
		"the related one goes first":      {teamsURL, "https://smba.trafficmanager.net/amer/", "https://smba.trafficmanager.net/amer/"},
		"a related stranger does not":     {runtimeURL, "https://evil.example/", ""},
		"a related skill host does not":   {teamsURL, runtimeURL, teamsURL},
		"its own, if a connector":         {teamsURL, "", teamsURL},
		"not a skill host":                {runtimeURL, "", ""},
		"not a host that is only trusted": {botHostURL, "", ""},
		"nothing":                         {"", "", ""},
	} {
		a := activity.Activity{ServiceURL: tc.own}
		if tc.related != "" {
			a.RelatesTo = &activity.RelatesTo{ServiceURL: tc.related}
		}
		if got := h.connector(a); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestReferenceByCaller: who called decides who is the copilot, who is answered
// and whether a host waits for our end.
func TestReferenceByCaller(t *testing.T) {
	t.Parallel()
	h := handler(t)
	original := activity.Conversation{ID: "a:user", TenantID: "t"}
	a := activity.Activity{
		Type: activity.TypeEvent, Name: ActionStart, ServiceURL: botHostURL, ChannelID: "msteams",
		Conversation: activity.Conversation{ID: "minted"}, From: activity.Account{ID: "29:user"},
		Recipient: activity.Account{ID: "28:bot", Name: "Bot", Role: "skill"},
		RelatesTo: &activity.RelatesTo{ServiceURL: teamsURL, Conversation: original},
	}
	skillTurn, err := h.turn(a, auth.Caller{Kind: auth.Skill, AppID: "app", Audience: "us"})
	if err != nil {
		t.Fatal(err)
	}
	ref := skillTurn.Reference
	if skillTurn.Key != (mapping.Key{BotAppID: "app", Conversation: "a:user"}) || ref.Teams.Conversation != original || ref.Teams.ServiceURL != teamsURL {
		t.Errorf("the user's side is %+v, %+v", skillTurn.Key, ref.Teams)
	}
	if ref.Host == nil || ref.Host.Conversation.ID != "minted" || ref.Host.Audience != "app" || ref.Host.Bot != (activity.Account{ID: "28:bot", Name: "Bot"}) {
		t.Errorf("the host is %+v", ref.Host)
	}
	if ref.HostActive {
		t.Error("an event keeps the host waiting for our end")
	}

	a.ServiceURL, a.RelatesTo = teamsURL, nil
	direct, err := h.turn(a, auth.Caller{Kind: auth.Channel, Audience: "US"})
	if err != nil {
		t.Fatal(err)
	}
	if direct.Key != (mapping.Key{BotAppID: "us", Conversation: "minted"}) || direct.Reference.Host != nil || direct.Reference.Connector != teamsURL ||
		direct.Reference.Teams.App != "us" {
		t.Errorf("a call by Teams itself is %+v", direct)
	}
}

func TestUserFallsBack(t *testing.T) {
	t.Parallel()
	h := handler(t)
	a := activity.Activity{From: activity.Account{ID: "29:user"}, Entities: []activity.Entity{
		{Type: "clientInfo", Locale: "fr-FR", Timezone: "Europe/Paris", Platform: "Web"},
	}}
	want := livechat.User{ID: "29:user", Name: "Teams user", Locale: "fr-FR", TimeZone: "Europe/Paris", Client: "Web"}
	if diff := cmp.Diff(want, h.user(a)); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	a.Locale, a.LocalTimezone = "de-DE", "Europe/Berlin"
	if got := h.user(a); got.Locale != "de-DE" || got.TimeZone != "Europe/Berlin" {
		t.Errorf("user is %+v, want the activity's own locale and zone", got)
	}
}

func TestAttached(t *testing.T) {
	t.Parallel()
	const download = "application/vnd.microsoft.teams.file.download.info"
	for name, tc := range map[string]struct {
		in   activity.Attachment
		want []files.Source
	}{
		"a file's URL gets no credential": {
			activity.Attachment{ContentType: download, Name: "a.pdf", ContentURL: "https://x/view", Content: json.RawMessage(`{"downloadUrl":"https://x/get","fileType":"pdf"}`)},
			[]files.Source{{Name: "a.pdf", URL: "https://x/get"}},
		},
		"a file without a name has its ending": {
			activity.Attachment{ContentType: download, Content: json.RawMessage(`{"downloadUrl":"https://x/get","fileType":"pdf"}`)},
			[]files.Source{{Name: "file.pdf", URL: "https://x/get"}},
		},
		"a file without a URL is one that cannot be had": {
			activity.Attachment{ContentType: download, Name: "a.pdf", Content: json.RawMessage(`"broken"`)}, []files.Source{{Name: "a.pdf"}},
		},
		"a picture may need the bot's token": {
			activity.Attachment{ContentType: "image/*", ContentURL: "https://smba/v3/attachments/1"},
			[]files.Source{{URL: "https://smba/v3/attachments/1", Credential: bridge.ConnectorFiles}},
		},
		"a picture within": {
			activity.Attachment{ContentType: "image/png", ContentURL: "data:image/png;base64,AA", Name: "a\x00.png"},
			[]files.Source{{Name: "a.png", Type: "image/png", URL: "data:image/png;base64,AA", Credential: bridge.ConnectorFiles}},
		},
		"a card is no file": {in: activity.Attachment{ContentType: "application/vnd.microsoft.card.adaptive", ContentURL: "https://x/1"}},
		"the companion":     {in: activity.Attachment{ContentType: "text/HTML", ContentURL: "https://x/1"}},
	} {
		got, _ := attached([]activity.Attachment{tc.in}, bridge.ConnectorFiles)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEventHasNoWords: what an event's topic binds is no message.
func TestEventHasNoWords(t *testing.T) {
	t.Parallel()
	a := activity.Activity{Type: activity.TypeEvent, Name: ActionStart, Text: "x", Value: json.RawMessage(`{"ProblemDescription":"lost"}`)}
	turn, err := handler(t).turn(a, auth.Caller{Kind: auth.Skill, AppID: "app"})
	if err != nil || turn.Text != "" || turn.Problem != "lost" || turn.Name != ActionStart {
		t.Errorf("turn is %+v, %v", turn, err)
	}
}

func TestTrusted(t *testing.T) {
	t.Parallel()
	h := handler(t)
	for name, tc := range map[string]struct {
		activity activity.Activity
		ok       bool
	}{
		"a connector":              {activity.Activity{Type: "message", ServiceURL: teamsURL}, true},
		"a stranger":               {activity.Activity{Type: "message", ServiceURL: "https://evil.example/"}, false},
		"a stranger's end":         {activity.Activity{Type: "endOfConversation", ServiceURL: "https://evil.example/"}, false},
		"a stranger, inline":       {activity.Activity{Type: "message", DeliveryMode: "expectReplies", ServiceURL: "https://evil.example/"}, false},
		"nowhere":                  {activity.Activity{Type: "message"}, false},
		"nowhere, a health check":  {activity.Activity{Type: "endOfConversation"}, true},
		"nowhere, answered inline": {activity.Activity{Type: "message", DeliveryMode: "expectReplies"}, true},
	} {
		if err := h.trusted(tc.activity); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
