package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// greeting is what a serving process prints when it is ready.
type greeting struct {
	Address string
	Callers callers
}

// serveRoutes serves one framework until its input ends: the main function of a server process.
func serveRoutes(name string) error {
	for _, f := range frameworks {
		if f.name != name {
			continue
		}
		s, err := newSite(context.Background(), f)
		if err != nil {
			return err
		}
		defer s.close()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(greeting{listener.Addr().String(), s.callers}); err != nil {
			return err
		}
		go tellTime()
		return s.serve(listener)
	}
	return fmt.Errorf("no such framework: %s", name)
}

// tellTime answers each input line with the processor time so far, and ends the process when its parent ends.
func tellTime() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if json.NewEncoder(os.Stdout).Encode(processTime()) != nil {
			break
		}
	}
	os.Exit(0)
}

// child is another process of this program, on one core.
type child struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// pinned reports whether processes can be pinned to a core each.
func pinned() bool {
	_, err := exec.LookPath("taskset")
	return err == nil && runtime.NumCPU() > 1
}

// onCore makes a command that uses one processor of Go, pinned to one core of the machine if possible.
func onCore(ctx context.Context, core int, name string, args ...string) *exec.Cmd {
	if pinned() {
		name, args = "taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)
	}
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	return command
}

func start(ctx context.Context, core int, args ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{command: onCore(ctx, core, program, args...)}
	c.command.Stderr = os.Stderr
	if c.in, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(bufio.NewReader(out))
	return c, c.command.Start()
}

// exchange sends a line to the child and reads its answer.
func (c *child) exchange(say, answer any) error {
	if err := json.NewEncoder(c.in).Encode(say); err != nil {
		return err
	}
	return c.out.Decode(answer)
}

// end closes the input, which ends the child.
func (c *child) end() {
	_ = c.in.Close()
	_ = c.command.Wait() // its figures are known, so its exit status does not matter
}

const connections = 16

// overHTTP writes the table about requests over loopback: goals 1 and 6.
func overHTTP(ctx context.Context, r *report, e effort) error {
	client, err := newLoad(ctx, e)
	if err != nil {
		return err
	}
	defer client.end()
	where := "Server and client ran on one core each (taskset)."
	if !pinned() {
		where = "**Server and client were not pinned to one core each, because taskset is missing or there is only one core.** They shared the machine."
	}
	r.section("Routes, over loopback", fmt.Sprintf("Requests per second, compared with the bare route in the same round: a server of one framework with GOMAXPROCS=1, and %d connections of\n"+
		"%s. %s", connections, client.name(), where))
	var rows [][]string
	var modules []string
	for _, f := range frameworks {
		row, err := overHTTPOf(ctx, r, e, f, client)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		rows, modules = append(rows, row), append(modules, f.modules...)
	}
	r.table([]string{"", "hit / bare", "by the server's time", "session / bare", "by the server's time", "uncached / bare", "usual middleware", "it / bare", "uncached / it", "by the server's time"}, rows, modules...)
	r.note("\"By the server's time\" compares the processor time of the server process per request: bare with hit, bare with session, and usual middleware with\n" +
		"uncached. If nothing else uses the core and the client is fast enough, both figures are equal. A session is a hit with its cookie; the bare route that\n" +
		"it is compared with gets the same headers.")
	return nil
}

func overHTTPOf(ctx context.Context, r *report, e effort, f framework, client load) ([]string, error) {
	server, err := start(ctx, 0, "-serve", f.name)
	if err != nil {
		return nil, err
	}
	defer server.end()
	var at greeting
	if err := server.out.Decode(&at); err != nil {
		return nil, fmt.Errorf("the server does not start: %w", err)
	}
	seen, times := make([]*measured, len(visits)), make([]*measured, len(visits))
	for i, v := range visits {
		seen[i], times[i] = &measured{subject: subject{name: v.path}}, &measured{subject: subject{name: v.path}}
	}
	for round := range client.rounds(e) {
		for i := range visits {
			i = (i + round) % len(visits)
			took, busy, err := askOnce(ctx, server, client, order{at.Address, visits[i].path, at.Callers.of(visits[i]), e.slice})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", visits[i].path, err)
			}
			if round > 0 { // the first warms up
				seen[i].times, times[i].times = append(seen[i].times, took), append(times[i].times, busy)
			}
		}
	}
	// part returns how much of the bare route's requests a guarded one serves, by the clock and by the server's time.
	part := func(bare, guarded int) (spread, spread) {
		return seen[bare].over(seen[guarded]), times[bare].over(times[guarded])
	}
	hit, hitTime := part(visitBare, visitHit)
	session, sessionTime := part(visitBareBrowser, visitSession)
	uncached, _ := part(visitBare, visitUncached)
	peer, _ := part(visitBare, visitPeer)
	gain, gainTime := part(visitPeer, visitUncached)
	r.judge(1, f.name+": a hit serves at least 0.95 of the bare route's requests", hit.String(), hit.mid >= 0.95)
	r.judge(1, f.name+": a session's hit serves at least 0.95 of the bare route's requests", session.String(), session.mid >= 0.95)
	r.brief.tell(rankMiddleware, "%s %.1f x %s", f.name, gain.mid, f.peer)
	r.brief.tell(rankRoute, "%s %s", f.name, percent(hit.mid))
	r.brief.tell(rankSessionRoute, "%s %s", f.name, percent(session.mid))
	r.judge(6, fmt.Sprintf("%s: uncached %.1f x the requests of %s", f.name, f.faster, f.peer), gain.String(), gain.mid >= f.faster)
	return []string{
		f.name, hit.String(), hitTime.String(), session.String(), sessionTime.String(), uncached.String(), f.peer, peer.String(), gain.String(), gainTime.String(),
	}, nil
}

// askOnce returns the nanoseconds of one request: wall clock and processor time of the server.
func askOnce(ctx context.Context, server *child, client load, o order) (took, busy float64, err error) {
	var before, after time.Duration
	if err := server.exchange("time", &before); err != nil {
		return 0, 0, err
	}
	got, err := client.ask(ctx, o)
	if err == nil {
		err = server.exchange("time", &after)
	}
	return float64(got.Time) / got.Requests, float64(after-before) / got.Requests, err
}
