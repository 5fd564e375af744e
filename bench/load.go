package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// load sends requests and counts them.
type load interface {
	name() string
	rounds(effort) int
	ask(context.Context, order) (counted, error)
	end()
}

// counted is the number of answered requests and the time they took.
type counted struct {
	Requests float64
	Time     time.Duration
	Fault    string `json:",omitempty"` // only between processes
}

// order asks for requests to one path of one server, with these headers, for a time.
type order struct {
	Address, Path string
	Header        http.Header
	Time          time.Duration
}

// newLoad uses wrk if it is installed, otherwise a process of this program.
func newLoad(ctx context.Context, e effort) (load, error) {
	if _, err := exec.LookPath("wrk"); err == nil && !e.quick {
		return wrk{}, nil
	}
	c, err := start(ctx, runtime.NumCPU()-1, "-load")
	return own{c}, err
}

// wrk counts in whole seconds, so it has fewer rounds.
type wrk struct{}

func (wrk) name() string        { return "wrk" }
func (wrk) rounds(e effort) int { return max(2, e.slices/6) }
func (wrk) end()                {}

var wrkCount = regexp.MustCompile(`([0-9]+) requests in ([0-9.]+m?s)`)

func wrkArguments(o order) []string {
	arguments := []string{"-t1", "-c" + strconv.Itoa(connections), "-d1s"}
	for name := range o.Header {
		arguments = append(arguments, "-H", name+": "+o.Header.Get(name))
	}
	return append(arguments, "http://"+o.Address+o.Path)
}

func (wrk) ask(ctx context.Context, o order) (counted, error) {
	command := onCore(ctx, runtime.NumCPU()-1, "wrk", wrkArguments(o)...)
	text, err := command.Output()
	if err != nil {
		return counted{}, err
	}
	found := wrkCount.FindSubmatch(text)
	if found == nil || bytes.Contains(text, []byte("Non-2xx")) {
		return counted{}, errors.New("wrk was not answered: " + string(text))
	}
	requests, errCount := strconv.ParseFloat(string(found[1]), 64)
	took, errTime := time.ParseDuration(string(found[2]))
	return counted{Requests: requests, Time: took}, errors.Join(errCount, errTime)
}

// own is a process of this program that runs generate.
type own struct{ *child }

func (own) name() string        { return "this program's own load generator (wrk is not used)" }
func (own) rounds(e effort) int { return e.slices + 1 }

func (o own) ask(_ context.Context, want order) (counted, error) {
	var got counted
	if err := o.exchange(want, &got); err != nil {
		return got, err
	}
	if got.Fault != "" {
		return got, errors.New(got.Fault)
	}
	return got, nil
}

// generate executes orders until its input ends: the main function of a client process.
func generate(in io.Reader, out io.Writer) error {
	for orders := json.NewDecoder(in); ; {
		var o order
		if err := orders.Decode(&o); err != nil {
			return nil //nolint:nilerr // the parent process has ended
		}
		got, err := o.carryOut()
		if err != nil {
			got.Fault = err.Error()
		}
		if err := json.NewEncoder(out).Encode(got); err != nil {
			return err
		}
	}
}

func (o order) carryOut() (counted, error) {
	request := rawRequest(o.Address, o.Path, o.Header)
	callers := make([]*caller, connections)
	for i := range callers {
		connection, err := net.Dial("tcp", o.Address)
		if err != nil {
			return counted{}, err
		}
		defer func() { _ = connection.Close() }()
		callers[i] = &caller{connection: connection, in: bufio.NewReader(connection), request: request}
		if err := callers[i].first(); err != nil {
			return counted{}, err
		}
	}
	var all sync.WaitGroup
	begin := time.Now()
	for _, c := range callers {
		all.Go(func() { c.call(begin.Add(o.Time)) })
	}
	all.Wait()
	got := counted{Time: time.Since(begin)}
	for _, c := range callers {
		if c.err != nil {
			return counted{}, c.err
		}
		got.Requests += float64(c.count)
	}
	return got, nil
}

// caller is one connection. All answers have the length of the first, so that later ones are not parsed.
type caller struct {
	connection net.Conn
	in         *bufio.Reader
	request    []byte
	answer     []byte
	count      int
	err        error
}

var statusLine = []byte("HTTP/1.1 200")

func (c *caller) first() error {
	if _, err := c.connection.Write(c.request); err != nil {
		return err
	}
	length, head := 0, 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		head += len(line)
		if n, found := bytes.CutPrefix(bytes.ToLower([]byte(line)), []byte("content-length:")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return err
			}
		}
		if line == "\r\n" {
			break
		}
	}
	if length != len(answer) {
		return fmt.Errorf("an answer of %d bytes instead of %d", length, len(answer))
	}
	_, err := c.in.Discard(length)
	c.answer = make([]byte, head+length)
	return err
}

// call makes requests until a time, and at least one.
func (c *caller) call(until time.Time) {
	for begun := false; !begun || time.Now().Before(until); begun = true {
		if _, c.err = c.connection.Write(c.request); c.err != nil {
			return
		}
		if _, c.err = io.ReadFull(c.in, c.answer); c.err != nil {
			return
		}
		if !bytes.HasPrefix(c.answer, statusLine) {
			c.err = errStatus
			return
		}
		c.count++
	}
}
