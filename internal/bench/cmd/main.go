// Command bench measures the service as a whole; see internal/bench. `make bench`
// runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/liaison-skill/liaison/internal/bench"
)

// cli is the command line.
type cli struct {
	Run         runCmd         `cmd:"" default:"withargs" help:"Measure everything."`
	Profile     profileCmd     `cmd:"" help:"Leave profiles of the service under the heaviest load."`
	Passthrough passthroughCmd `cmd:"" hidden:""`
	Serve       serveCmd       `cmd:"" hidden:""`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&cli{}, kong.Name("bench"), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type runCmd struct {
	Program string `required:"" help:"The service's binary."`
	Short   bool   `help:"Measure less, in well under a minute."`
	Out     string `help:"File for the report in Markdown; only the terminal without it."`
	Dir     string `help:"Folder on the disk to measure."`
}

// Run implements the command.
func (r runCmd) Run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	report, err := bench.Run(ctx, bench.Options{
		Program: r.Program, Self: self, Short: r.Short, Dir: r.Dir, Progress: os.Stderr,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr)
	if err := report.Text(os.Stdout); err != nil || r.Out == "" {
		return err
	}
	return save(r.Out, report.Markdown)
}

// byHand begins the end of the report's file, whose figures a test measures.
const byHand = "\n## The desk\n"

// save replaces the file but for its end that is written by hand.
func save(path string, write func(io.Writer) error) error {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the last report: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	err = write(f)
	if i := bytes.Index(before, []byte(byHand)); i >= 0 && err == nil {
		_, err = f.Write(before[i:])
	}
	return errors.Join(err, f.Close())
}

type profileCmd struct {
	Dir   string        `arg:"" help:"Folder for cpu.pprof and allocs.pprof."`
	Way   string        `default:"user to agent" enum:"user to agent,agent to user,start and end" help:"What is said."`
	Lasts time.Duration `default:"10s" help:"How long."`
}

// Run implements the command.
func (p profileCmd) Run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return bench.Profile(ctx, bench.Options{Self: self, Progress: os.Stderr}, p.Dir, p.Way, p.Lasts)
}

type passthroughCmd struct {
	Addr string `arg:""`
	Hub  string `arg:""`
}

// Run implements the command.
func (p passthroughCmd) Run(ctx context.Context) error { return bench.Passthrough(ctx, p.Addr, p.Hub) }

type serveCmd struct {
	Dir string `arg:""`
}

// Run implements the command.
func (s serveCmd) Run(ctx context.Context) error { return bench.ServeProfiled(ctx, s.Dir) }
