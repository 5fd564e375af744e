// Command bench measures how fast oidcauth is. It compares oidcauth with the bare signature check, with other libraries and with the
// usual middleware of the frameworks, and checks the results against the project's goals. It is a program and not a test, because the
// results depend on the machine.
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
	only := flag.String("only", "", "one `part` alone: library, routes, http, cache, keys, mint, sessions, tenants, memory or refresh")
	database := flag.String("store", "", "in the part refresh, one `store` alone: none, SQLite, PostgreSQL, MariaDB or Redis")
	serve := flag.String("serve", "", "serve one framework's routes for another process (used by the program itself)")
	explain := flag.String("explain", "", "measure nothing: write the reasons of notes.txt into this `page`, whose figures stay")
	load := flag.Bool("load", false, "make requests for another process (used by the program itself)")
	flag.Parse()
	var err error
	switch {
	case *serve != "":
		err = serveRoutes(*serve)
	case *load:
		err = generate(os.Stdin, os.Stdout)
	case *explain != "":
		err = explainPage(*explain)
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // stop the database servers too
		context.AfterFunc(ctx, stop)                                                           // a second signal stops at once
		err = run(ctx, *quick, *only, *database, *out)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// effort says how much is measured.
type effort struct {
	quick  bool
	store  string        // the only one of the part refresh; "": all
	rounds int           // of operations that take microseconds
	slices int           // of operations that take tenths of a second
	slice  time.Duration // length of one slice
}

func run(ctx context.Context, quick bool, only, database, out string) error {
	e := effort{quick, database, 500, 60, 100 * time.Millisecond}
	if quick {
		e = effort{quick, database, 60, 5, 100 * time.Millisecond}
	}
	r := &report{quick: quick}
	for _, part := range []struct {
		name string
		run  func(context.Context, *report, effort) error
	}{
		{"library", library}, {"routes", routes}, {"http", overHTTP}, {"cache", cache}, {"keys", keySet}, {"mint", minting}, {"sessions", sessions}, {"tenants", tenants}, {"memory", memory}, {"refresh", refreshing},
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
		debug.FreeOSMemory() // collect the garbage of this part before the next one starts
		log.Printf("%s: %s", part.name, time.Since(start).Round(time.Second/10))
	}
	fmt.Print(r)
	known, err := reasons(notes)
	if err != nil {
		return err
	}
	_, without := explained(r.goals, known)
	warn(without)
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(r.String()), 0o644)
}
