// Command oidcauth helps those who build an application with this library: provider starts a test provider to log in at, doctor
// says what is wrong with a configuration, and token says which check refuses a token.
//
// Usage:
//
//	oidcauth provider [flags]   # prints the environment lines to paste
//	oidcauth doctor [flags]     # reads the same variables
//	oidcauth token [flags]      # reads a token from standard input
//
// oidcauth COMMAND -h lists the flags of a command. The exit status is 0 if all is well, 1 if doctor found something wrong or the token is
// refused, and 2 for wrong arguments.
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
)

// The exit statuses.
const (
	exitOK    = 0
	exitWrong = 1 // a finding is wrong, a token is refused, or the work failed
	exitUsage = 2 // the arguments or the configuration cannot be used
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal stops the process at once
	code := run(ctx, os.Args[1:], streams{os.Getenv, os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// streams are what a command reads and writes.
type streams struct {
	env      func(string) string
	in       io.Reader
	out, err io.Writer
}

const usage = `oidcauth helps to build applications with OpenID Connect logins.

  oidcauth provider   start a test provider, and print the environment lines to paste
  oidcauth doctor     say what is wrong with a configuration, and what to write instead
  oidcauth token      say which check refuses the token on standard input, and why

oidcauth COMMAND -h lists the flags of a command.
`

// run is the whole program: it returns the exit status.
func run(ctx context.Context, args []string, s streams) int {
	commands := map[string]func(context.Context, []string, streams) error{"provider": provider, "doctor": doctor, "token": token}
	if len(args) == 0 {
		_, _ = fmt.Fprint(s.err, usage)
		return exitUsage
	}
	name, command := args[0], commands[args[0]]
	switch {
	case name == "help" || name == "-h" || name == "-help" || name == "--help":
		_, _ = fmt.Fprint(s.out, usage)
		return exitOK
	case command == nil:
		_, _ = fmt.Fprintf(s.err, "oidcauth: there is no command %q: write provider, doctor or token\n", name)
		return exitUsage
	}
	err := command(ctx, args[1:], s)
	var wrong *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errFound): // the output says it
		return exitWrong
	case errors.As(err, &wrong):
		_, _ = fmt.Fprintf(s.err, "oidcauth %s: %v\n", name, err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(s.err, "oidcauth %s: %v\n", name, err)
		return exitWrong
	}
}

// errFound is the result of a command that found what it looks for: something wrong.
var errFound = errors.New("found something wrong")

// usageError is an error of the arguments or of the configuration.
type usageError struct{ cause error }

func (e *usageError) Error() string { return e.cause.Error() }
func (e *usageError) Unwrap() error { return e.cause }

func misused(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }
