// Command demo runs two services with browser sessions, on a framework or on plain net/http, and a provider, in one
// process and on loopback only. Each service has its own cookie. Both keep their sessions in one SQLite file, so each notices when the
// other ends a session. With -peers 1 there is one service. Ctrl-C stops the demo; sessions survive a restart.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal stops the process at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run is the whole program: it returns when ctx ends, or when something fails.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := readOptions(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := start(o)
	if err != nil {
		return err
	}
	d.announce(out)
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(out, "\nThe demo ends.")
		return d.close()
	case err := <-d.failed:
		return errors.Join(err, d.close())
	}
}

// options holds the command line flags.
type options struct {
	framework, addr, provider, data string
	peers                           int
	fresh                           time.Duration // see freshAfter
}

func readOptions(args []string, out io.Writer) (options, error) {
	o := options{fresh: freshAfter}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.framework, "framework", "gin", "web framework: gin, echo, echo5, fiber, fiber3, chi or nethttp")
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the services listen; a free port if this one is taken")
	flags.StringVar(&o.provider, "provider", "127.0.0.1:8081", "where the provider listens; a free port if this one is taken")
	flags.StringVar(&o.data, "data", "", "folder for sessions and keys; default: oidcauth-demo in the user's cache directory")
	flags.IntVar(&o.peers, "peers", 2, "1: one service; 2: two side by side, on one store")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.peers < 1 || o.peers > 2 {
		return o, fmt.Errorf("-peers %d: write 1 or 2", o.peers)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}
