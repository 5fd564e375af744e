// Command tools implements the Makefile targets that work with all modules of the repository as one release.
//
//	tools pack DIR      write the released modules into DIR in the layout of a module proxy
//	tools packed CMD... run go CMD, such as vet or test -race, in every released module as users download it
//	tools consumer [NAME...] use every adapter, or those for these frameworks, from an empty module, as a user does
//	tools tidy [-check] update every go.mod, go.sum and go.work, or only report which are out of date
//	tools docs          check the Markdown files and the committed text
//	tools release       check the preconditions of a release and print the commands that tag it
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tools:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("tools", flag.ContinueOnError)
	root := flags.String("root", ".", "the repository's folder, where go.work is")
	version := flags.String("version", "", "the version that every released module has")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *version == "" || flags.NArg() == 0 {
		return errors.New("usage: tools -version vX.Y.Z [-root DIR] pack|packed|consumer|tidy|docs|release")
	}
	r, err := loadRepo(*root, *version)
	if err != nil {
		return err
	}
	rest := flags.Args()[1:]
	switch command := flags.Arg(0); {
	case command == "pack" && len(rest) == 1:
		return r.packAll(rest[0])
	case command == "packed" && len(rest) > 0:
		return r.runPacked(rest[0], rest[1:]...)
	case command == "consumer":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return r.consumer(ctx, rest...)
	case command == "tidy" && len(rest) == 0:
		return r.tidy(false)
	case command == "tidy" && len(rest) == 1 && rest[0] == "-check":
		return r.tidy(true)
	case command == "docs" && len(rest) == 0:
		return r.docs()
	case command == "release" && len(rest) == 0:
		return r.release()
	default:
		return fmt.Errorf("no such command: %q", flags.Args())
	}
}
