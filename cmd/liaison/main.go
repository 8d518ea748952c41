// Command liaison runs the live-agent escalation service and its tools.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // hours and users' clocks need zones, and not every image has them

	"github.com/alecthomas/kong"
)

// version is set by the linker: -X main.version=….
var version = "0.1.0-dev"

// cli is the command line; its help texts are its documentation.
type cli struct {
	Serve         serveCmd         `cmd:"" help:"Run the service."`
	Demo          demoCmd          `cmd:"" help:"Run the service with a hub and a sandbox of Copilot Studio and Teams, on this machine."`
	Migrate       migrateCmd       `cmd:"" help:"Bring the database's schema up to date."`
	Deadletters   deadlettersCmd   `cmd:"" help:"List, show, redrive or drop what could not be delivered."`
	Trace         traceCmd         `cmd:"" help:"Follow a message or a conversation by any of its ids."`
	Conversations conversationsCmd `cmd:"" help:"Delete conversations."`
	Manifest      manifestCmd      `cmd:"" help:"Print the skill manifest, or check one."`
	TeamsApp      teamsAppCmd      `cmd:"" help:"Make or check the Teams app through which Microsoft 365 Copilot hands over."`
	Texts         textsCmd         `cmd:"" help:"Print what the service says to users and agents, as the file to replace it."`
	Token         tokenCmd         `cmd:"" help:"Make a token, or explain one."`
	Version       versionCmd       `cmd:"" help:"Print the version."`
}

// console is where commands read and write.
type console struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c,
		kong.Name("liaison"),
		kong.Description("Talk to a person: hands a Copilot Studio conversation in Teams to a live agent and brings it back."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(console{in: os.Stdin, out: os.Stdout, err: os.Stderr}),
	)
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "liaison:", err)
		os.Exit(1)
	}
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(c console) error {
	_, err := fmt.Fprintln(c.out, "liaison", version)
	return err
}
