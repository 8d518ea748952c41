package skill

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/files"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/mapping"
	"github.com/liaison-skill/liaison/proactive"
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
	return &Handler{Hosts: hosts}
}

func TestReadInputs(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]inputs{
		``:        {},
		`null`:    {},
		`7`:       {},
		`[1]`:     {},
		`"hello"`: {},
		`"{"`:     {},
		`{}`:      {variables: map[string]string{}},
		`{"LiveChatConversationId":"h","ProblemDescription":" lost \n"}`:         {hub: "h", problem: "lost", variables: map[string]string{}},
		`"{\"LiveChatConversationId\":\"h\",\"order\":12345678}"`:                {hub: "h", variables: map[string]string{"order": "12345678"}},
		`{"LiveChatConversationId":null,"ProblemDescription":{}}`:                {variables: map[string]string{}},
		`{"s":"x","n":12345678,"big":9007199254740993,"f":1.50,"t":true,"o":{}}`: {variables: map[string]string{"s": "x", "n": "12345678", "big": "9007199254740993", "f": "1.50", "t": "true"}},
		`{"s":"a\u0000b"}`: {variables: map[string]string{"s": "ab"}},
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			got, err := readInputs(json.RawMessage(value))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(inputs{})); diff != "" {
				t.Errorf("inputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadInputsRefuses(t *testing.T) {
	t.Parallel()
	many := map[string]int{}
	for i := range maxVariables + 1 {
		many[fmt.Sprint(i)] = i
	}
	for name, value := range map[string]any{
		"too many":       many,
		"a long value":   map[string]string{"x": strings.Repeat("x", maxVariable+1)},
		"a long name":    map[string]string{strings.Repeat("x", maxVariable+1): "x"},
		"an unsafe name": map[string]string{"x\x00": "x"},
	} {
		body, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readInputs(body); err == nil || strings.Contains(err.Error(), "xx") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
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
		Teams:      proactive.Target{ChannelID: "msteams", Conversation: a.Conversation, Bot: bot, User: user, Locale: "de-DE"},
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
	if direct.Key != (mapping.Key{BotAppID: "us", Conversation: "minted"}) || direct.Reference.Host != nil || direct.Reference.Connector != teamsURL {
		t.Errorf("a call by Teams itself is %+v", direct)
	}
}

func TestUserFallsBack(t *testing.T) {
	t.Parallel()
	a := activity.Activity{From: activity.Account{ID: "29:user"}, Entities: []activity.Entity{
		{Type: "clientInfo", Locale: "fr-FR", Timezone: "Europe/Paris", Platform: "Web"},
	}}
	want := livechat.User{ID: "29:user", Name: "Teams user", Locale: "fr-FR", TimeZone: "Europe/Paris", Client: "Web"}
	if diff := cmp.Diff(want, user(a)); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	a.Locale, a.LocalTimezone = "de-DE", "Europe/Berlin"
	if got := user(a); got.Locale != "de-DE" || got.TimeZone != "Europe/Berlin" {
		t.Errorf("user is %+v, want the activity's own locale and zone", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	file := activity.Attachment{ContentType: "image/png", Name: "a.png"}
	const shown = "[The user sent an attachment that is not shown here: "
	for name, tc := range map[string]struct {
		text, problem string
		files         []activity.Attachment
		want          string
	}{
		"words":                      {"hello", "", nil, "hello"},
		"words before the problem":   {"hello", "lost", nil, "hello"},
		"the problem for no words":   {" \n", "lost", nil, "lost"},
		"nothing":                    {"", "", nil, ""},
		"a file's name":              {"look", "", []activity.Attachment{file}, "look\n" + shown + "a.png]"},
		"a file without a name":      {"", "", []activity.Attachment{{ContentType: "image/png"}}, shown + "image/png]"},
		"not the html companion":     {"hello", "", []activity.Attachment{{ContentType: "text/html"}}, "hello"},
		"files beside a companion":   {"", "", []activity.Attachment{{ContentType: "text/html"}, file}, shown + "a.png]"},
		"several, in their order":    {"", "", []activity.Attachment{file, {ContentType: "x/y"}}, shown + "a.png]\n" + shown + "x/y]"},
		"words keep their own space": {" a\n b ", "", nil, " a\n b "},
	} {
		sources, others := attached(tc.files)
		if got := words(tc.text, tc.problem, others); got != tc.want || len(sources) > 0 {
			t.Errorf("%s: %q and %d files, want %q", name, got, len(sources), tc.want)
		}
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
		got, _ := attached([]activity.Attachment{tc.in})
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
