package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// The applications of a run are nobody's.
const (
	tenantID       = "11111111-1111-4111-8111-111111111111"
	copilotID      = "aaaaaaaa-0000-4000-8000-000000000001"
	skillID        = "bbbbbbbb-0000-4000-8000-000000000002"
	objectIDPrefix = "00000000-0000-4000-8000-"
	apiKey         = "bench-api-key"
	webhookSecret  = "whsec_YmVuY2gtd2ViaG9vay1zZWNyZXQtYmVuY2g="
)

// line is what everybody says: a sentence as people write them.
const line = " I ordered the blue one on Monday, but the parcel I got holds two green ones. Can you have somebody look into it?"

// A speaker writes the requests of one sender: each is complete, header and all.
type speaker struct {
	to    string // host and port
	peers *peers
	token string
	mac   hash.Hash
	body  []byte
	out   []byte
}

func newSpeaker(to, token string, p *peers) *speaker {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookSecret, "whsec_"))
	return &speaker{to: to, peers: p, token: token, mac: hmac.New(sha256.New, key)}
}

// A kind is one of the things that are said.
type kind int

const (
	userSays kind = iota
	agentSays
	userStarts
	userEnds
	cycle // a start, and when it is answered an end
)

func (k kind) String() string {
	return [...]string{"user to agent", "agent to user", "start", "end", "start and end"}[k]
}

// request returns message n of a run, as person or to person. It lasts until the
// next one.
func (s *speaker) request(k kind, person, run, n int) []byte {
	if k == agentSays {
		return s.webhook(person, run, n)
	}
	s.body = s.activity(s.body[:0], k, person, run, n)
	return s.post("/api/messages", "Authorization: Bearer "+s.token+"\r\n")
}

// activity is what Copilot Studio posts for a person, with the members its calls
// were seen to have.
func (s *speaker) activity(b []byte, k kind, person, run, n int) []byte {
	b = append(b, `{"id":"`...)
	b = appendID(b, run, n)
	b = append(b, `","timestamp":"2026-11-20T20:52:04.802Z","localTimezone":"Europe/Berlin","channelId":"msteams","locale":"en-US","serviceUrl":"`...)
	b = append(b, s.peers.url()...)
	b = append(b, "/pvaruntime/api/runtime/bots/"+copilotID+"/skillsV2/"...)
	b = fmt.Appendf(b, `","from":{"id":"29:1person%d","name":"Person %d","aadObjectId":"%s%012d"}`, person, person, objectIDPrefix, person)
	b = append(b, `,"recipient":{"id":"28:`+copilotID+`","name":"Copilot","role":"skill"}`...)
	b = fmt.Appendf(b, `,"conversation":{"id":"a:1conversation-of-%d","conversationType":"personal","tenantId":"%s"}`, person, tenantID)
	b = append(b, `,"channelData":{"tenant":{"id":"`+tenantID+`"}}`...)
	b = append(b, `,"entities":[{"type":"clientInfo","locale":"en-US","country":"US","platform":"Windows","timezone":"Europe/Berlin"}]`...)
	switch k {
	case userStarts:
		b = append(b, `,"type":"event","name":"startConversation","value":{"ProblemDescription":"The parcel holds the wrong things","Order":"4711"}}`...)
	case userEnds:
		b = append(b, `,"type":"event","name":"endConversation","value":{}}`...)
	default:
		b = append(b, `,"type":"message","textFormat":"plain","text":"`...)
		b = appendMark(b, run, n)
		b = append(b, line+`"}`...)
	}
	return b
}

// webhook is an agent's line as Contoso Live Chat posts it, signed.
func (s *speaker) webhook(person, run, n int) []byte {
	b := fmt.Appendf(s.body[:0], `{"conversationId":%q,"id":"`, hubConversation(s.peers.hub[person].Load()))
	b = appendID(b, run, n)
	b = append(b, `","sender":"Adele","message":"`...)
	b = appendMark(b, run, n)
	s.body = append(b, line+`","event":"message","timestamp":"2026-11-20T20:52:04.802Z"}`...)
	id, stamp := string(appendID(nil, run, n)), strconv.FormatInt(time.Now().Unix(), 10)
	s.mac.Reset()
	s.mac.Write([]byte(id + "." + stamp + "."))
	s.mac.Write(s.body)
	signature := base64.StdEncoding.EncodeToString(s.mac.Sum(nil))
	return s.post("/api/livechat/messages",
		"webhook-id: "+id+"\r\nwebhook-timestamp: "+stamp+"\r\nwebhook-signature: v1,"+signature+"\r\n")
}

func (s *speaker) post(path, header string) []byte {
	s.out = append(s.out[:0], "POST "+path+" HTTP/1.1\r\nHost: "+s.to+"\r\nContent-Type: application/json\r\n"+header+"Content-Length: "...)
	s.out = strconv.AppendInt(s.out, int64(len(s.body)), 10)
	s.out = append(s.out, "\r\n\r\n"...)
	s.out = append(s.out, s.body...)
	return s.out
}
