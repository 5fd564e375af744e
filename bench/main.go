// Command bench compares oidcauth with the bare signature check, with other libraries and with the usual middleware of
// the frameworks, and holds what it sees against the project's goals. It is a program and no test: what it says depends on
// the machine, so nothing ever passes or fails by it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	quick := flag.Bool("quick", false, "few rounds: about a minute, for finding mistakes")
	out := flag.String("out", "", "write the report to this `file` too")
	only := flag.String("only", "", "one `part` alone: library, routes, http, cache, keys, mint or refresh")
	serve := flag.String("serve", "", "serve one framework's routes for another process (used by the program itself)")
	load := flag.Bool("load", false, "make requests for another process (used by the program itself)")
	flag.Parse()
	var err error
	switch {
	case *serve != "":
		err = serveRoutes(*serve)
	case *load:
		err = generate(os.Stdin, os.Stdout)
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // database servers end with us
		context.AfterFunc(ctx, stop)                                                           // a second one ends at once
		err = run(ctx, *quick, *only, *out)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// effort is how much of everything is done.
type effort struct {
	quick  bool
	rounds int           // of what takes microseconds
	slices int           // of what takes tenths of a second
	slice  time.Duration // of those
}

func run(ctx context.Context, quick bool, only, out string) error {
	e := effort{quick, 500, 60, 100 * time.Millisecond}
	if quick {
		e = effort{quick, 60, 5, 100 * time.Millisecond}
	}
	r := &report{quick: quick}
	for _, part := range []struct {
		name string
		run  func(context.Context, *report, effort) error
	}{
		{"library", library}, {"routes", routes}, {"http", overHTTP}, {"cache", cache}, {"keys", keySet}, {"mint", minting}, {"refresh", refreshing},
	} {
		if only != "" && only != part.name {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		start := time.Now()
		if err := part.run(ctx, r, e); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		debug.FreeOSMemory() // what one part leaves behind is not collected in the time of the next
		log.Printf("%s: %s", part.name, time.Since(start).Round(time.Second/10))
	}
	fmt.Print(r)
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(r.String()), 0o644)
}
