package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags makes the flags of a command. Its usage text begins with about.
func newFlags(name, about string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // parse says what is wrong, in one line
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "usage: oidcauth %s [flags]\n\n%s\n\n", name, about)
		flags.PrintDefaults()
	}
	return flags
}

// parse reads the arguments. The error is [flag.ErrHelp] after the usage text, or a usageError of one line.
func parse(flags *flag.FlagSet, args []string, out io.Writer) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(out)
		flags.Usage()
		return err
	case err != nil:
		return misused("%w", err)
	case flags.NArg() > 0:
		return misused("unexpected argument %q", flags.Arg(0))
	}
	return nil
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(text string) error {
	if text == "" {
		return errors.New("it is empty")
	}
	*l = append(*l, text)
	return nil
}

// words is a flag that may be repeated, and whose values may have several words, separated by commas or spaces.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(text string) error {
	found := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	if len(found) == 0 {
		return errors.New("it is empty")
	}
	*w = append(*w, found...)
	return nil
}
