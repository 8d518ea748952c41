package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Unheard notes that whoever posted the turn may not have heard our answer: it
// came late, or the connection was gone. Some hosts then post the same words under
// a new id; within a minute one such copy has no effect if the turn had one.
func (b *Bridge) Unheard(ctx context.Context, t Turn) error {
	if t.ID == "" {
		return nil // nobody can say whether it was accepted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.opt.Accept)
	defer cancel()
	return b.outbox.Unheard(ctx, inScope(t.Key), t.likeness(), t.ID)
}

// likeness is what a turn has in common with a copy of it: sender, words, and
// what it answers. It holds none of them in a readable form.
func (t Turn) likeness() string {
	said := []string{t.Reference.Teams.User.ID, t.Text, t.ReplyTo}
	for _, f := range t.Files {
		said = append(said, f.URL)
	}
	common, _ := json.Marshal(said)
	digest := sha256.Sum256(common)
	return hex.EncodeToString(digest[:])
}
