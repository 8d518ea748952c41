package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A strictHub speaks Contoso's contract, honours idempotency keys as Contoso
// does, and notes whatever a careful client would not do.
type strictHub struct {
	mux *http.ServeMux

	mu      sync.Mutex
	opened  map[string]string    // conversation by the opening's key
	chats   map[string]*chat     // by conversation
	byUser  map[string]*chat     // by the user's name
	strange []string             // what should not have happened
	keys    map[[2]string]wordID // what a key was used for, by conversation
}

// A chat is one conversation at the hub.
type chat struct {
	id      string
	words   []wordID // in the order of their first arrival
	repeats int      // calls whose key was known
	notices int      // lines of the service itself
	ended   bool
}

const hubKey = "strict-hub-key"

func newStrictHub() *strictHub {
	h := &strictHub{
		mux: http.NewServeMux(), opened: map[string]string{}, chats: map[string]*chat{},
		byUser: map[string]*chat{}, keys: map[[2]string]wordID{},
	}
	h.mux.HandleFunc("POST /api/chat/start", h.start)
	h.mux.HandleFunc("POST /api/chat/receive", h.receive)
	h.mux.HandleFunc("POST /api/chat/end", h.end)
	return h
}

// ServeHTTP takes calls with the right key only.
func (h *strictHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-API-Key") != hubKey {
		http.Error(w, `{"error":"key"}`, http.StatusUnauthorized)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mux.ServeHTTP(w, r)
}

func (h *strictHub) wonder(format string, args ...any) {
	h.strange = append(h.strange, "hub: "+fmt.Sprintf(format, args...))
}

func (h *strictHub) start(w http.ResponseWriter, r *http.Request) {
	var in struct{ User struct{ Name string } }
	key := r.Header.Get("Idempotency-Key")
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || key == "" || in.User.Name == "" {
		h.wonder("an opening without a key or a user")
		http.Error(w, `{"error":"bad request"}`, http.StatusBadRequest)
		return
	}
	id, again := h.opened[key]
	if again && id == "" { // it was given up before it came
		http.Error(w, `{"error":"over"}`, http.StatusConflict)
		return
	}
	if !again {
		if h.byUser[in.User.Name] != nil {
			h.wonder("two conversations for %s", in.User.Name)
		}
		id = fmt.Sprintf("hub-%d", len(h.opened)+1)
		c := &chat{id: id}
		h.opened[key], h.chats[id], h.byUser[in.User.Name] = id, c, c
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"conversationId": id})
}

func (h *strictHub) receive(w http.ResponseWriter, r *http.Request) {
	var in struct{ ConversationID, Message, Sender string }
	key := r.Header.Get("Idempotency-Key")
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || key == "" {
		h.wonder("words without a key")
		http.Error(w, `{"error":"bad request"}`, http.StatusBadRequest)
		return
	}
	c := h.chats[in.ConversationID]
	if c == nil {
		h.wonder("words for a conversation that is unknown")
		http.Error(w, `{"error":"unknown"}`, http.StatusNotFound)
		return
	}
	id, known := findWord(in.Message)
	seen, again := h.keys[[2]string{c.id, key}]
	switch {
	case again && seen != id:
		h.wonder("a key was used for %s and for %s", seen, id)
	case again:
		c.repeats++
	case c.ended:
		h.wonder("%s for a conversation that has ended", id)
		http.Error(w, `{"error":"ended"}`, http.StatusConflict)
		return
	case in.Sender == "Liaison":
		c.notices++
	case !known:
		h.wonder("words nobody said")
	default:
		c.words = append(c.words, id)
	}
	h.keys[[2]string{c.id, key}] = id
	_ = json.NewEncoder(w).Encode(map[string]string{"messageId": key})
}

// end ends a conversation by its id, or by the key of an opening whose answer was
// never seen; afterwards that key opens nothing.
func (h *strictHub) end(w http.ResponseWriter, r *http.Request) {
	var in struct{ ConversationID, Key string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		h.wonder("an end that cannot be read")
		return
	}
	id := in.ConversationID
	if id == "" {
		id = h.opened[in.Key]
	}
	switch c := h.chats[id]; {
	case c != nil:
		c.ended = true
	case id == "" && in.Key != "":
		h.opened[in.Key] = ""
	default:
		h.wonder("an end of a conversation that is unknown")
	}
	_, _ = w.Write([]byte("{}"))
}

// conversation returns the id of a user's conversation, or "".
func (h *strictHub) conversation(user string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.byUser[user]; c != nil {
		return c.id
	}
	return ""
}

// TestStrictHub: the hub of the runs keeps what comes once, and notes the rest.
func TestStrictHub(t *testing.T) {
	t.Parallel()
	h := newStrictHub()
	call := func(path, key, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", hubKey)
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for range 2 {
		call("/api/chat/start", "k", `{"user":{"name":"Ann"}}`)
		call("/api/chat/receive", "1", `{"conversationId":"hub-1","message":"c0u1","sender":"Ann"}`)
	}
	call("/api/chat/receive", "2", `{"conversationId":"hub-1","message":"Not delivered.","sender":"Liaison"}`)
	c := h.byUser["Ann"]
	if len(h.chats) != 1 || len(c.words) != 1 || c.repeats != 1 || c.notices != 1 || len(h.strange) != 0 {
		t.Errorf("%+v, noted %q; want one word, one repeat, one notice", c, h.strange)
	}
	call("/api/chat/start", "other", `{"user":{"name":"Ann"}}`)
	call("/api/chat/receive", "1", `{"conversationId":"hub-1","message":"c0u2","sender":"Ann"}`)
	if status := call("/api/chat/receive", "3", `{"conversationId":"x","message":"c0u2","sender":"Ann"}`); status != http.StatusNotFound {
		t.Errorf("status %d for an unknown conversation", status)
	}
	if len(h.strange) != 3 {
		t.Errorf("noted %q, want three things", h.strange)
	}
}
