package steady

import (
	"context"
	"net"
)

// Address is where a server is to listen that goes away and comes back there: not
// where others listen on any port, who might be given the one that it had.
func Address(ctx context.Context) string {
	const ours = "127.0.0.2:0"
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ours)
	if err != nil { // a system with a single address of loopback
		return "127.0.0.1:0"
	}
	_ = ln.Close()
	return ours
}
