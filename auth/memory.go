package auth

import (
	"context"
	"crypto/sha256"
	"sync"
)

// maxRemembered bounds a memory. A caller uses one token for about an hour.
const maxRemembered = 1024

// A memory knows which key verified which token, so that the arithmetic of a
// signature is done once for a token and not for each of its calls. It holds for
// as long as the issuer's key is that very object: one that was withdrawn,
// replaced or merely fetched anew counts no more. Nothing else about a token is
// remembered, and none that did not verify, so that forged ones push nothing out.
type memory struct {
	mu   sync.Mutex
	keys map[[sha256.Size]byte]key // by the whole token
}

// recall returns the key that verified a token, if keys still has it.
func (m *memory) recall(ctx context.Context, token string, keys *keySet) (key, bool) {
	m.mu.Lock()
	before, ok := m.keys[sha256.Sum256([]byte(token))]
	m.mu.Unlock()
	if !ok {
		return key{}, false
	}
	now, err := keys.find(ctx, before.KeyID)
	return now, err == nil && now.Key == before.Key // pointers
}

// keep remembers the key that verified a token. A memory that is full begins
// anew: that costs each token one more verification.
func (m *memory) keep(token string, k key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil || len(m.keys) >= maxRemembered {
		m.keys = make(map[[sha256.Size]byte]key)
	}
	m.keys[sha256.Sum256([]byte(token))] = k
}
