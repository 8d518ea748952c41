package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

const (
	livechatDoor = "/api/livechat/messages"
	hubDoor      = "/api/hubs/contoso/webhook"
	nobodysURL   = "http://127.0.0.1:9" // the port of discard, which nobody serves
)

// A talk is a ledger in which Megan talks to a person.
type talk struct {
	*ledger
	user sandbox.User
	id   string // the hub's
}

func newTalk(t *testing.T) talk {
	t.Helper()
	l := buildLedger(t)
	env := l.sandbox.Env()
	l.start(t, "LIAISON_TRUSTED_SERVICE_URLS="+env["LIAISON_TRUSTED_SERVICE_URLS"]+","+nobodysURL,
		"LIAISON_CONNECTIONS_MAP="+env["LIAISON_CONNECTIONS_MAP"]+","+nobodysURL+"*=copilot,*=skill")
	user := l.sandbox.User("Megan")
	sandboxtest.Say(t, user, "talk to a person", "help")
	return talk{l, user, l.chat(t).ID}
}

// hubsAndKeys holds the statements on what hubs post and what becomes
// of it, and on keys that change meanwhile.
func hubsAndKeys(t *testing.T) {
	t.Helper()
	k := newTalk(t)
	k.hold(t,
		statement{name: "59 answers 401 to a webhook without or with wrong credentials", check: k.wrongCredentials},
		statement{name: "59 answers 404 without detail to an unknown chat", check: k.unknownChat},
		statement{name: "59 gives no second effect to a webhook that comes again within its time", check: k.repeats},
		statement{name: "60 posts a desk's message to the connector, with a token for the agent's client and the connector's scope", check: k.deskToTeams},
		statement{name: "61 posts to the connector when the stored serviceUrl is Copilot Studio's runtime", check: k.neverTheRuntime},
		statement{name: "71 delivers human text literally", check: k.literally},
		statement{name: "32 keeps serving with the last good keys when a refresh fails", check: k.lastGoodKeys},
		statement{name: "31 fetches keys again upon an unknown kid, and once in a flood of them", check: k.rotatedKeys},
		statement{name: "34 writes no token, secret or signed URL to the log", check: k.signedURLs},
	)
}

// webhook posts a body with a header of Standard Webhooks.
func (k talk) webhook(t *testing.T, door, body string, header []string, want int) string {
	t.Helper()
	status, answer := k.post(t, door, "", []byte(body), header...)
	if status != want {
		t.Errorf("%s: status %d %s, want %d", door, status, answer, want)
	}
	return answer
}

// words is what an agent says, as a body of the hub without an id.
func (k talk) words(text string) string {
	return fmt.Sprintf(`{"conversationId":%q,"message":%q,"sender":"Ada"}`, k.id, text)
}

func (k talk) wrongCredentials(t *testing.T) {
	t.Helper()
	body, now := k.words("x"), time.Now()
	good := sign("credentials", now, body)
	with := func(name, value string) []string {
		changed := slices.Clone(good)
		changed[slices.Index(changed, name)+1] = value
		return changed
	}
	signature := good[slices.Index(good, "webhook-signature")+1]
	for name, header := range map[string][]string{
		"none":                nil,
		"no signature":        good[:4],
		"an empty signature":  with("webhook-signature", ""),
		"another body's":      sign("credentials", now, k.words("y")),
		"another id":          with("webhook-id", "other"),
		"no id":               with("webhook-id", ""),
		"another time":        with("webhook-timestamp", fmt.Sprint(now.Unix()+1)),
		"no time":             with("webhook-timestamp", ""),
		"six minutes old":     sign("credentials", now.Add(-6*time.Minute), body),
		"much too early":      sign("credentials", now.Add(time.Hour), body), // to the minute: TestClockSkew
		"without its version": with("webhook-signature", strings.TrimPrefix(signature, "v1,")),
		"another version":     with("webhook-signature", "v2"+strings.TrimPrefix(signature, "v1")),
		"cut short":           with("webhook-signature", signature[:20]),
		"the API key":         {"X-API-Key", apiKey},
		"the secret itself":   {"Authorization", "Bearer " + secret},
		"the copilot's token": {"Authorization", "Bearer " + k.mint(t, sandbox.Token{})},
		"through a proxy":     {"X-Forwarded-For", "127.0.0.1"},
		"the channel's token": {"Authorization", "Bearer " + k.mint(t, sandbox.Token{Kind: sandbox.ChannelCall})},
	} {
		for _, door := range []string{livechatDoor, hubDoor} {
			t.Run(name+door, func(t *testing.T) {
				k.unchanged(t, func() {
					if answer := k.webhook(t, door, body, header, http.StatusUnauthorized); answer != `{"error":"webhook signature required"}` {
						t.Errorf("the answer says more than it must: %s", answer)
					}
				})
			})
		}
	}
	k.webhook(t, hubDoor, body, good, http.StatusNoContent)
	sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, "**Ada**: x")
}

func (k talk) unknownChat(t *testing.T) {
	t.Helper()
	for _, id := range []string{"nobody", "1' OR '1'='1", "00000000-0000-4000-8000-000000000000", k.id + " ", strings.ToUpper(k.id) + "X", "\x01", "%00"} {
		for _, event := range []string{"message", "joined", "ended"} {
			body, err := json.Marshal(map[string]string{"conversationId": id, "event": event, "message": "x", "sender": "Ada"})
			if err != nil {
				t.Fatal(err)
			}
			post := string(body)
			t.Run(post, func(t *testing.T) {
				k.unchanged(t, func() {
					answer := k.webhook(t, livechatDoor, post, sign("unknown", time.Now(), post), http.StatusNotFound)
					if answer != `{"error":"no such conversation"}` {
						t.Errorf("the answer says more than it must: %s", answer)
					}
				})
			})
		}
	}
}

// repeats posts what is signed well once, and then again as a thief of it would.
func (k talk) repeats(t *testing.T) {
	t.Helper()
	withID := fmt.Sprintf(`{"conversationId":%q,"id":"e-1","message":"with an id","sender":"Ada"}`, k.id)
	joined := fmt.Sprintf(`{"conversationId":%q,"event":"joined","sender":"Eve"}`, k.id)
	for name, row := range map[string]struct{ body, line string }{
		"words with an id":        {withID, "with an id"},
		"words without an id":     {k.words("without an id"), "without an id"},
		"a join without an id":    {joined, "Eve has joined"},
		"words with an empty id":  {strings.Replace(withID, `"e-1","message":"with an id"`, `"","message":"an empty id"`, 1), "an empty id"},
		"words with a null as id": {strings.Replace(withID, `"e-1","message":"with an id"`, `null,"message":"no id"`, 1), "no id"},
	} {
		t.Run(name, func(t *testing.T) {
			header := sign("again "+name, time.Now(), row.body)
			k.webhook(t, livechatDoor, row.body, header, http.StatusNoContent)
			sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, row.line)
			k.unchanged(t, func() {
				k.webhook(t, livechatDoor, row.body, header, http.StatusNoContent)
				k.webhook(t, hubDoor, row.body, header, http.StatusNoContent)
			})
			// The hub repeats with a new time; nobody else can.
			k.unchanged(t, func() {
				k.webhook(t, livechatDoor, row.body, sign("again "+name, time.Now().Add(time.Minute), row.body), http.StatusNoContent)
			})
		})
	}
	t.Run("the same words in another post are new", func(t *testing.T) {
		count := func() int {
			said := byAuthor(k.user, sandbox.ByAgent)
			return len(said) - len(slices.DeleteFunc(said, func(s string) bool { return strings.Contains(s, "without an id") }))
		}
		k.webhook(t, livechatDoor, k.words("without an id"), sign("another", time.Now(), k.words("without an id")), http.StatusNoContent)
		k.settled(t)
		if n := count(); n != 2 {
			t.Errorf("%d lines, want 2", n)
		}
	})
}

// deskToTeams follows one line from the hub's API to the connector.
func (k talk) deskToTeams(t *testing.T) {
	t.Helper()
	k.agentSays(t, k.id, "from the desk")
	sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, "from the desk")
	requests := k.sandbox.Requests(sandbox.Connector)
	last := requests[len(requests)-1]
	path := "/teams/v3/conversations/" + url.PathEscape(string(k.user.Conversation())) + "/activities"
	if last.Method != http.MethodPost || last.Path != path {
		t.Errorf("%s %s, want POST %s", last.Method, last.Path, path)
	}
	if last.Claims["aud"] != "https://api.botframework.com" || last.Claims["azp"] != copilotID {
		t.Errorf("the token is for %v, of %v; want the connector's, of the agent", last.Claims["aud"], last.Claims["azp"])
	}
	var asked []string
	for _, r := range k.sandbox.TokenRequests() {
		if r.Scope != "" { // else an agent signs in at the desk
			asked = append(asked, r.ClientID+" "+r.Scope)
		}
	}
	slices.Sort(asked)
	want := []string{copilotID + " https://api.botframework.com/.default", skillID + " " + copilotID + "/.default"}
	if asked = slices.Compact(asked); !slices.Equal(asked, want) {
		t.Errorf("tokens asked for: %q, want %q", asked, want)
	}
}
