package e2e

import (
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// neverTheRuntime: what the skill host calls its serviceUrl delivers nothing to
// Teams. It is kept for answers, and words go to the configured connector.
func (k talk) neverTheRuntime(t *testing.T) {
	t.Helper()
	lee := k.sandbox.User("Lee")
	member := map[string]any{"id": string(lee.Conversation()), "conversationType": "personal", "tenantId": tenantID}
	body := turn(k.world, "lee", event("startConversation"))
	body["conversation"] = member
	body["relatesTo"] = map[string]any{"serviceUrl": body["serviceUrl"], "channelId": "msteams", "conversation": member}
	if status, answer := k.post(t, "/api/messages", k.mint(t, sandbox.Token{}), body); status != http.StatusAccepted {
		t.Fatalf("status %d %s", status, answer)
	}
	k.settled(t)
	for name, user := range map[string]sandbox.User{"as Copilot Studio calls": k.user, "with the runtime in relatesTo too": lee} {
		t.Run(name, func(t *testing.T) {
			var id, host string
			err := k.db.QueryRow(t.Context(), `SELECT hub_conversation, host ->> 'serviceUrl' FROM mapping WHERE conversation_id = $1`,
				string(user.Conversation())).Scan(&id, &host)
			if err != nil || !strings.Contains(host, "/pvaruntime/") {
				t.Fatalf("the host is %q, %v; want the runtime", host, err)
			}
			before := len(k.sandbox.Requests(sandbox.SkillHost))
			k.agentSays(t, id, "past the runtime")
			sandboxtest.WaitLine(t, user, sandbox.ByAgent, "past the runtime")
			k.settled(t)
			if n := len(k.sandbox.Requests(sandbox.SkillHost)) - before; n != 0 {
				t.Errorf("%d requests at the runtime, want none", n)
			}
		})
	}
	t.Run("a forged row", func(t *testing.T) {
		before := k.state(t)
		k.unsaid(t, k.sandbox.URL()+"/pvaruntime/api/runtime/bots/"+copilotID+"/skillsV2/")
		after := k.state(t)
		if after.SkillHost != before.SkillHost || after.TokenRq != before.TokenRq {
			t.Errorf("requests at the runtime and for tokens: %d and %d, want %d and %d as before",
				after.SkillHost, after.TokenRq, before.SkillHost, before.TokenRq)
		}
		k.forge(t, k.sandbox.URL()+"/teams/")
	})
}

// forge writes a service URL into the open mapping, past every door.
func (l *ledger) forge(t *testing.T, serviceURL string) {
	t.Helper()
	tag, err := l.db.Exec(t.Context(), `UPDATE mapping SET teams = jsonb_set(teams, '{serviceUrl}', to_jsonb($1::text))
		WHERE conversation_id = $2 AND state IN ('waiting', 'active')`, serviceURL, string(l.sandbox.User("Megan").Conversation()))
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("forge: %v, %v", tag, err)
	}
}

// unsaid has the agent say something for a forged service URL, and waits until it
// is given up, or its lane is parked.
func (k talk) unsaid(t *testing.T, serviceURL string) {
	t.Helper()
	k.forge(t, serviceURL)
	dead := func() (n int) {
		t.Helper()
		err := k.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM delivery WHERE destination = 'teams' AND outcome = 'dead') +
			(SELECT count(*) FROM lane WHERE destination = 'teams' AND parked_at IS NOT NULL)`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := dead()
	k.agentSays(t, k.id, "to "+serviceURL)
	eventually(t, "the line given up", func() bool { return dead() > before })
	// What follows is about another line.
	_, err := k.db.Exec(t.Context(), `UPDATE lane SET parked_at = NULL, acked_seq = last_seq WHERE parked_at IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
}

// literally: undoing the escapes gives what the agent wrote, and what is left has
// nothing for Teams to obey.
func (k talk) literally(t *testing.T) {
	t.Helper()
	sender, text := "Ada <b>*the agent*</b>", `<at>Megan</at> **bold** _it_ ~gone~ [x](y) <b>html</b> &lt; 1 | 2 \*`
	body, err := json.Marshal(map[string]string{"conversationId": k.id, "message": text, "sender": sender})
	if err != nil {
		t.Fatal(err)
	}
	k.webhook(t, livechatDoor, string(body), sign("literal", time.Now(), string(body)), http.StatusNoContent)
	sandboxtest.WaitLine(t, k.user, sandbox.ByAgent, "html")
	requests := k.sandbox.Requests(sandbox.Connector)
	var sent struct {
		Text, TextFormat string
		Entities         []any
	}
	if err := json.Unmarshal(requests[len(requests)-1].Body, &sent); err != nil {
		t.Fatal(err)
	}
	if sent.TextFormat != "markdown" || len(sent.Entities) > 0 {
		t.Errorf("format %q, entities %v", sent.TextFormat, sent.Entities)
	}
	plain := strings.NewReplacer(`\\`, `\`, `\`, ``).Replace(html.UnescapeString(sent.Text))
	if want := "**" + sender + "**: " + text; plain != want {
		t.Errorf("shown is %q, want %q", plain, want)
	}
	obeyed := strings.NewReplacer(`\\`, ``, `\*`, ``, `\_`, ``, `\~`, ``, `\[`, ``, `\]`, ``, `\|`, ``).Replace(sent.Text)
	obeyed = strings.Replace(strings.Replace(obeyed, "**", "", 1), "**: ", "", 1) // ours, around the name
	if strings.ContainsAny(obeyed, "<>*_~[]|`") {
		t.Errorf("Teams would obey some of %q", sent.Text)
	}
}

// lastGoodKeys fails the refresh that an unknown key brings about. That of old
// keys takes a clock: TestKeySet_refreshes_old_keys_and_keeps_them_while_the_issuer_is_down
// in package auth.
func (k talk) lastGoodKeys(t *testing.T) {
	t.Helper()
	const channel = sandbox.ChannelCall
	good := attempt{token: sandbox.Token{Kind: channel}, want: http.StatusAccepted, owner: skillID}
	k.try(t, good)
	before := len(k.sandbox.Requests(sandbox.Keys))
	k.sandbox.Fault(sandbox.Keys, sandbox.Fault{Status: http.StatusInternalServerError})
	defer k.sandbox.ClearFaults(sandbox.Keys)
	k.try(t, attempt{token: sandbox.Token{Kind: channel, Key: sandbox.KeyUnknown}, want: http.StatusUnauthorized})
	if n := len(k.sandbox.Requests(sandbox.Keys)); n != before+1 {
		t.Fatalf("%d requests for keys, want the one that fails", n-before)
	}
	k.try(t, good)
	k.try(t, attempt{want: http.StatusAccepted})
}

// rotatedKeys replaces the issuer's keys.
func (k talk) rotatedKeys(t *testing.T) {
	t.Helper()
	old := k.mint(t, sandbox.Token{})
	if err := k.sandbox.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	before := len(k.sandbox.Requests(sandbox.Keys))
	body := turn(k.world, "rotated", event("startConversation"))
	body["deliveryMode"] = "expectReplies" // else our own token would be replaced, too
	status, answer := k.post(t, "/api/messages", k.mint(t, sandbox.Token{}), body)
	if status != http.StatusOK || !strings.Contains(answer, `"status":"queued"`) {
		t.Errorf("the new key: status %d %s", status, answer)
	}
	k.unchanged(t, func() {
		if status, _ := k.post(t, "/api/messages", old, body); status != http.StatusUnauthorized {
			t.Errorf("the withdrawn key: status %d, want 401", status)
		}
		for range 40 {
			if status, _ := k.post(t, "/api/messages", k.mint(t, sandbox.Token{Key: sandbox.KeyUnknown}), body); status != http.StatusUnauthorized {
				t.Errorf("an unknown key: status %d, want 401", status)
			}
		}
	})
	if n := len(k.sandbox.Requests(sandbox.Keys)) - before; n != 2 {
		t.Errorf("%d requests for metadata and keys, want 2: one fetch", n)
	}
}

// signedURLs posts to addresses that are secrets: one that refuses, one that does
// not answer.
func (k talk) signedURLs(t *testing.T) {
	t.Helper()
	k.unsaid(t, k.sandbox.URL()+"/nowhere?sig=canary-refused")
	k.forge(t, nobodysURL+"/?sig=canary-away")
	k.agentSays(t, k.id, "to nobody")
	eventually(t, "tried", func() bool { return strings.Contains(k.log.String(), "unavailable") })
	k.quiet(t, "canary-")
}

// quiet holds that no secret of the world is in the service's log, in whole or in
// a part that matters.
func (l *ledger) quiet(t *testing.T, canaries ...string) {
	t.Helper()
	log := l.log.String()
	if !strings.Contains(log, `"level":"DEBUG"`) && !strings.Contains(log, `"level":"INFO"`) {
		t.Fatal("nothing was logged")
	}
	env := l.sandbox.Env()
	canaries = slices.Concat(canaries, []string{
		"eyJ", "Bearer ey", "sig=", secret, strings.TrimPrefix(secret, "whsec_"), apiKey,
		env["LIAISON_CONNECTION_COPILOT_CLIENT_SECRET"], env["LIAISON_CONNECTION_SKILL_CLIENT_SECRET"],
	})
	for _, token := range l.tokens {
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 40 { // "", and the header that all share, prove nothing
				canaries = append(canaries, part)
			}
		}
	}
	for _, canary := range canaries {
		if strings.Contains(log, canary) {
			t.Errorf("the log holds %.20q…", canary)
		}
	}
}
