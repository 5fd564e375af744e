package contract

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// testStreamedBodies: a streamed body that is too long is refused after at most 64 KB, and its rest is not parsed as another request.
func testStreamedBodies(t *testing.T, a setup, read *atomic.Int64) {
	s := a.open(t, plan{build: func(app App) {
		mount(t, app.Group(group), core.Paths{})
		app.Any(page, func(context.Context, *core.Session, *core.IDToken) []byte { return nil }, Required())
	}})
	for name, test := range map[string]struct {
		line, kind string
		status     int
	}{
		"a form":              {"POST " + token, "application/x-www-form-urlencoded", 413},
		"a form, in chunks":   {"POST " + token, "application/x-www-form-urlencoded", 413},
		"no form":             {"POST " + token, "application/json", 400},
		"a GET":               {"GET " + login, "application/x-www-form-urlencoded", 400},
		"a guard":             {"POST " + page, "application/json", 401},
		"a guard, in chunks":  {"POST " + page, "application/json", 401},
		"no form, in chunks":  {"POST " + device, "text/plain", 0},
		"a GET, in chunks":    {"GET " + logout, "text/plain", 302},
		"multipart in chunks": {"POST " + token, "multipart/form-data; boundary=x", 413},
	} {
		t.Run(name, func(t *testing.T) {
			before := read.Load()
			flood(t, s, test.line, test.kind, strings.Contains(name, "chunks"), test.status)
			if n := read.Load() - before; n > 4*core.MaxForm {
				t.Errorf("%d bytes were read", n)
			}
		})
	}
}

// flood sends a request whose body is made of requests, and is longer than anybody should read.
func flood(t *testing.T, s *site, line, kind string, chunked bool, status int) {
	const long = 200 << 20
	smuggled := strings.Repeat("GET "+login+" HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
	length, text := fmt.Sprintf("Content-Length: %d", long), smuggled
	if chunked {
		length, text = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", len(smuggled), smuggled)
	}
	connection := s.in(t).dial(line+" HTTP/1.1", "Content-Type: "+kind, length, "", "")
	defer func() { _ = connection.Close() }() // the test is over
	go func() {                               // the server may hang up in between
		for sent := 0; sent < long; sent += len(smuggled) {
			if _, err := io.WriteString(connection, text); err != nil {
				return
			}
		}
	}()
	from := bufio.NewReader(connection)
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if status != 0 && answer.StatusCode != status || !answer.Close {
		t.Errorf("got %d, close %v", answer.StatusCode, answer.Close)
	}
	if rest, _ := io.ReadAll(from); len(rest) > 0 {
		t.Errorf("another answer: %s", short(string(rest)))
	}
}

// testStreamedForms: a form that fits is read from the stream as usual, and the connection stays open.
func testStreamedForms(t *testing.T, a setup, _ *atomic.Int64) {
	s := a.open(t, plan{})
	const form = "refresh_token=a-token-of-nobody"
	for name, lines := range map[string][]string{
		"of known length": {fmt.Sprintf("Content-Length: %d", len(form)), "", form},
		"in chunks":       {"Transfer-Encoding: chunked", "", fmt.Sprintf("%x", len(form)), form, "0", "", ""},
	} {
		request := append([]string{"POST " + token + " HTTP/1.1", "Content-Type: application/x-www-form-urlencoded"}, lines...)
		connection := s.dial(request...)
		from := bufio.NewReader(connection)
		for range 2 {
			answer, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := s.read(name, answer)
			if err != nil {
				t.Fatal(err)
			}
			got.is(s.refreshGone)
			_, _ = io.WriteString(connection, strings.Join(slices.Insert(request, 1, "Host: x"), "\r\n")) // a second time
		}
		_ = connection.Close()
	}
}
