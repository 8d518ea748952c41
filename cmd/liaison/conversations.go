package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/relay"
)

type conversationsCmd struct {
	Purge purgeCmd `cmd:"" help:"Delete what a user said and was told."`
}

type purgeCmd struct {
	operating

	User string `required:"" placeholder:"ID" help:"The user's object id in Entra ID, their id in the channel, as 29:...., or their id in a hub's own chat."`
	Hub  string `placeholder:"NAME" help:"Only in this hub's own chat: ID is that hub's, and somebody else's elsewhere."`
	As   string `placeholder:"NAME" help:"Who does it, for the record. The system's user by default."`
}

// Run implements the command.
func (p purgeCmd) Run(ctx context.Context, c console) error {
	if p.User == "" {
		return errors.New("--user is empty: name one user")
	}
	db, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.close()
	var did bridge.Purged
	if p.Hub == "" {
		if did, err = bridge.Purge(ctx, db.pool, cmp.Or(p.As, systemUser()), p.User); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "deleted: %d conversations, %d entries, %d deliveries, %d attempts, %d files, %d links\n",
			did.Conversations, did.Entries, did.Deliveries, did.Attempts, did.Files, did.Handoffs)
	}
	chats, err := relay.Purge(ctx, db.pool, cmp.Or(p.As, systemUser()), p.Hub, p.User)
	if err != nil {
		return err
	}
	if p.Hub != "" || chats != (relay.Purged{}) {
		fmt.Fprintf(c.out, "deleted of hubs' own chats: %d conversations, %d deliveries, %d attempts\n", chats.Relays, chats.Deliveries, chats.Attempts)
	}
	did.Open += chats.Open
	if did.Open > 0 {
		fmt.Fprintf(c.out, "%d conversations go on: what was said in them so far is deleted; repeat this when they are over\n", did.Open)
	}
	if did.Left > 0 {
		fmt.Fprintf(c.out, "%d conversations are over but have deliveries that are pending or held: repeat this when those have their outcome\n", did.Left)
	}
	return nil
}
