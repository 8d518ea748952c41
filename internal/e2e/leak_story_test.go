package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// user makes a user of a name, whose copilot wants its answers inline or not.
func (p *planted) user(name string, inline bool) sandbox.User {
	u := p.sandbox.User(name)
	u.ExpectReplies(inline)
	return u
}

// open opens a conversation, at a hub that fails at first.
func (p *planted) open(inline bool) (sandbox.User, string) {
	p.t.Helper()
	p.hubDoor.spoil(fails, breaks, babbles, misunderstands, refuses)
	for n := 0; p.hubDoor.left() > 0; n++ {
		unlucky := p.user(p.word(fmt.Sprint("name of user ", n, inline)), inline)
		p.says(unlucky, "talk to a person", p.word(fmt.Sprint("problem of user ", n)), "good bye")
	}
	name := p.word(fmt.Sprint("name of the user ", inline))
	user := p.user(name, inline)
	p.says(user, "talk to a person", p.word("problem of the user"))
	return user, p.chatOf(name)
}

// agent lets an agent say something.
func (p *planted) agent(id, what string) {
	p.t.Helper()
	p.desk(p.t, http.MethodPost, "/api/chat/send", map[string]string{
		"conversationId": id, "message": p.word("agent " + what), "sender": p.word("name of the agent"),
	}, nil)
	p.settle()
}

// hubFails lets the hub fail while the user writes.
func (p *planted) hubFails(u sandbox.User) {
	p.t.Helper()
	p.hubDoor.spoil(fails, breaks, babbles, misunderstands, hangs, refuses)
	for n := 0; p.hubDoor.left() > 0; n++ {
		p.says(u, p.word(fmt.Sprint("user ", n)))
	}
	p.post(p.t, "/api/messages", p.token(sandbox.Token{}), p.activity("a1", map[string]any{
		"conversation": map[string]any{"id": string(u.Conversation()), "tenantId": tenantID},
	}))
	p.settle()
}

// meets lets a leg of the sandbox fail once while do makes a request of it.
func (p *planted) meets(leg sandbox.Leg, f sandbox.Fault, do func()) {
	p.t.Helper()
	before := len(p.sandbox.Requests(leg))
	f.Times = 1
	p.sandbox.Fault(leg, f)
	do()
	if len(p.sandbox.Requests(leg)) == before {
		p.t.Errorf("%+v met nobody on leg %d", f, leg)
	}
	p.sandbox.ClearFaults(leg)
}

// teamsFails lets Teams and the token endpoint fail while the agent writes.
func (p *planted) teamsFails(id string) {
	p.t.Helper()
	for n, f := range []sandbox.Fault{
		{Status: 500, Echo: true},
		{Status: 503, Echo: true},
		{Echo: true},
		{Reset: true},
		{Accept: true, Reset: true},
		{Hang: true},
		{Status: 200, Echo: true},
		{Status: 400, Echo: true},
		{Status: 401, Echo: true},
	} {
		p.meets(sandbox.Connector, f, func() { p.agent(id, fmt.Sprint("to Teams ", n)) })
	}
	for n, f := range []sandbox.Fault{{Echo: true}, {Status: 400, Code: "invalid_client", Echo: true}} {
		p.restart(p.service) // without a token
		p.meets(sandbox.Entra, f, func() { p.agent(id, fmt.Sprint("without a token ", n)) })
	}
}

// webhookFails lets the service's door fail while the agent writes.
func (p *planted) webhookFails(id string) {
	p.t.Helper()
	for n, fault := range []http.HandlerFunc{fails, breaks, babbles, misunderstands, refuses} {
		p.door.spoil(fault)
		p.agent(id, fmt.Sprint("to the service ", n))
	}
}

// databaseAway takes both databases away, and starts both programs anew.
func (p *planted) databaseAway(u sandbox.User, id string) {
	p.t.Helper()
	back := away(p.t, p.db)
	token := p.token(sandbox.Token{})
	for n, more := range []map[string]any{nil, event("startConversation"), event("endConversation")} {
		if status, _ := p.post(p.t, "/api/messages", token, p.activity(fmt.Sprint("d", n), more)); status != http.StatusServiceUnavailable {
			p.t.Errorf("without a database: status %d", status)
		}
	}
	p.signed("w1", map[string]any{"conversationId": id, "message": p.word("webhook without a database"), "sender": p.word("sender")})
	p.page(p.service.url() + "/readyz")
	back()
	eventually(p.t, "ready again", func() bool { return strings.Contains(p.page(p.service.url()+"/readyz"), "ready\n") })

	back = away(p.t, p.hubDB)
	p.toHub("/api/chat/receive", apiKey, map[string]any{"conversationId": id, "message": p.word("hub without a database"), "sender": p.word("sender")})
	back()
	p.restart(p.hub)
	p.restart(p.service)
	p.says(u, p.word("user after the restart"))
	p.agent(id, "after the restart")
}

// signed posts a webhook with a good signature.
func (p *planted) signed(id string, body any, more ...string) int {
	p.t.Helper()
	raw, ok := body.([]byte)
	if !ok {
		raw, _ = json.Marshal(body)
	}
	header := append(sign(id, time.Now(), string(raw)), more...)
	for i, name := range header {
		if name == "webhook-signature" {
			p.add("signature of webhook "+id, strings.TrimPrefix(header[i+1], "v1,"))
		}
	}
	status, _ := p.post(p.t, "/api/livechat/messages", "", raw, header...)
	return status
}

// toHub calls the hub's API.
func (p *planted) toHub(path, key string, body any) {
	p.t.Helper()
	raw, ok := body.([]byte)
	if !ok {
		raw, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.hub.url()+path, strings.NewReader(string(raw)))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("X-API-Key", key)
	replayable(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// malformed are bodies that say something and cannot be read.
func (p *planted) malformed() map[string][]byte {
	quoted, _ := json.Marshal(p.word("malformed"))
	number := p.add("number for words", "4715081547")
	return map[string][]byte{
		"cut off":   fmt.Appendf(nil, `{"type":"message","message":%s,"text":%s`, quoted, quoted),
		"a number":  fmt.Appendf(nil, `{"type":"message","message":%s,"text":%s,"conversationId":%s}`, number, number, number),
		"no object": quoted,
		"no JSON":   []byte(p.word("malformed")),
		"a member":  fmt.Appendf(nil, `{%s:%s,"type":%s,"message":{%s:1}}`, quoted, quoted, number, quoted),
		"a date":    fmt.Appendf(nil, `{"type":"message","timestamp":%s,"message":" ","conversationId":%s}`, quoted, quoted),
	}
}

// strangersCome knocks at every door with what is wrong.
func (p *planted) strangersCome(id string) {
	p.t.Helper()
	good := p.token(sandbox.Token{})
	for _, token := range []string{
		p.secret("opaque bearer"), p.token(sandbox.Token{Key: sandbox.KeyStranger}), p.token(sandbox.Token{Key: sandbox.KeyOther}),
		p.token(sandbox.Token{Claims: map[string]any{"aud": "elsewhere"}}), p.token(sandbox.Token{Claims: map[string]any{"exp": 1}}),
		p.token(sandbox.Token{Claims: map[string]any{"azp": "cccccccc-0000-4000-8000-000000000003", "name": p.word("claim")}}),
		p.token(sandbox.Token{Kind: sandbox.ChannelCall, Key: sandbox.KeyUnendorsed}), p.token(sandbox.Token{Alg: "none"}),
		"e30." + base64.RawURLEncoding.EncodeToString([]byte(p.word("payload"))) + "." + p.secret("half a token"),
	} {
		p.post(p.t, "/api/messages?sig="+url.QueryEscape(p.secret("sig of a request")), token, p.activity("s", nil), "Cookie", "a="+p.secret("odd cookie"))
	}
	for name, body := range p.malformed() {
		p.post(p.t, "/api/messages", good, body)
		p.signed(name, body)
		for _, path := range []string{"start", "receive", "send", "end"} {
			p.toHub("/api/chat/"+path, apiKey, body)
		}
	}
	for _, serviceURL := range []string{
		"https://evil.example/?sig=" + url.QueryEscape(p.secret("sig for a stranger")), "https://user:" + p.secret("password in a URL") + "@evil.example/",
		"https://evil.example:" + p.secret("port in a URL") + "/", p.word("no URL"),
	} {
		p.post(p.t, "/api/messages", good, p.activity("u", map[string]any{"serviceUrl": serviceURL, "relatesTo": map[string]any{"serviceUrl": serviceURL}}))
	}
	p.post(p.t, "/api/"+url.PathEscape(p.secret("path")), good, p.activity("p", nil))
	words := map[string]any{"conversationId": id, "message": p.word("unsigned webhook"), "sender": p.word("sender"), p.word("member"): 1}
	p.post(p.t, "/api/livechat/messages", "", words)
	p.signed("w2", words, "webhook-signature", "v1,"+base64.StdEncoding.EncodeToString([]byte(p.secret("signature"))))
	p.signed("w3", words, "webhook-timestamp", p.word("timestamp"))
	if status := p.signed("w4", map[string]any{"conversationId": "nobody", "message": p.word("lost webhook"), "sender": "x"}); status != http.StatusNotFound {
		p.t.Errorf("a webhook of nobody: status %d", status)
	}
	p.signed("w5", map[string]any{"conversationId": p.ended(), "message": p.word("late webhook"), "sender": "x"})
	p.toHub("/api/chat/receive", p.secret("guessed key"), words)
	p.toHub("/api/chat/receive?sig="+url.QueryEscape(p.secret("sig for the hub")), apiKey, words)
	p.settle()
}

// ended returns the id of a conversation that is over.
func (p *planted) ended() string {
	p.t.Helper()
	user := p.sandbox.User("Lee")
	sandboxtest.Say(p.t, user, "talk to a person", p.word("short problem"))
	id := p.chatOf("Lee Gu")
	sandboxtest.Say(p.t, user, "good bye")
	p.settle()
	return id
}

// chatOf waits until the desk has an open conversation with a user.
func (p *planted) chatOf(name string) string {
	p.t.Helper()
	var id string
	eventually(p.t, "a conversation on the desk", func() bool {
		for _, c := range p.chats(p.t) {
			if c.State != "ended" && c.User.Name == name {
				id = c.ID
			}
		}
		return id != ""
	})
	return id
}

// hostFails lets Copilot Studio fail when it is to get its users back.
func (p *planted) hostFails(inline bool) {
	p.t.Helper()
	for n, f := range []sandbox.Fault{{Status: 400, Echo: true}, {Status: 500, Echo: true}, {Echo: true}, {Reset: true}, {Status: 404, Echo: true}} {
		name := p.word(fmt.Sprint("name of a returning user ", n, inline))
		user := p.user(name, inline)
		p.says(user, "talk to a person", p.word("returning problem"))
		id := p.chatOf(name)
		p.agent(id, "before the end")
		p.meets(sandbox.SkillHost, f, func() {
			p.agentEnds(p.t, id)
			p.settle()
			p.says(user, p.word("user after the end"))
		})
	}
}
