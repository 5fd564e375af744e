package fiberauth_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/gofiber/fiber/v2"
)

// serveFiber serves the routes and a guarded handler at /me, and counts the bytes that the server reads.
func serveFiber(t *testing.T, cfg fiber.Config) (idp *oidctest.Provider, addr string, read *atomic.Int64) {
	t.Helper()
	idp = oidctest.NewProvider(t)
	auth, err := fiberauth.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() }) // it always returns nil
	cfg.DisableStartupMessage = true
	app := fiber.New(cfg)
	if err := auth.Mount(app, core.Paths{}); err != nil {
		t.Fatal(err)
	}
	app.All("/me", auth.Handle(func(c *fiber.Ctx, token *core.IDToken) error { return c.SendString(token.Subject()) }))
	read = new(atomic.Int64)
	listener := countedListener{contract.Listen(t), read}
	go func() { _ = app.Listener(listener) }() // it ends with Shutdown
	t.Cleanup(func() { _ = app.Server().Shutdown() })
	return idp, listener.Addr().String(), read
}

type countedListener struct {
	net.Listener
	read *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	return countedConn{connection, l.read}, err
}

type countedConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// A streamed body that is too long is refused after at most 64 KB, and its rest is not parsed as another request.
func TestStreamedBody(t *testing.T) {
	const long = 200 << 20
	_, addr, read := serveFiber(t, fiber.Config{StreamRequestBody: true, BodyLimit: 1 << 30})
	smuggled := strings.Repeat("GET /auth/v2/login HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
	for name, c := range map[string]struct {
		line, header string
		status       int
	}{
		"a form":              {"POST /auth/v2/token", "Content-Type: application/x-www-form-urlencoded", 413},
		"a form, in chunks":   {"POST /auth/v2/token", "Content-Type: application/x-www-form-urlencoded", 413},
		"no form":             {"POST /auth/v2/token", "Content-Type: application/json", 400},
		"a GET":               {"GET /auth/v2/login", "Content-Type: application/x-www-form-urlencoded", 400},
		"a guard":             {"POST /me", "Content-Type: application/json", 401},
		"a guard, in chunks":  {"POST /me", "Content-Type: application/json", 401},
		"no form, in chunks":  {"POST /auth/v2/device", "Content-Type: text/plain", 0},
		"a GET, in chunks":    {"GET /auth/v2/logout", "Content-Type: text/plain", 302},
		"multipart in chunks": {"POST /auth/v2/token", "Content-Type: multipart/form-data; boundary=x", 413},
	} {
		t.Run(name, func(t *testing.T) {
			connection, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close() //nolint:errcheck // the test is over
			_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
			before := read.Load()
			length := fmt.Sprintf("Content-Length: %d", long)
			if strings.Contains(name, "chunks") {
				length = "Transfer-Encoding: chunked"
			}
			_, _ = fmt.Fprintf(connection, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n%s\r\n\r\n", c.line, c.header, length)
			go func() { // the server may hang up in between
				for sent := 0; sent < long; sent += len(smuggled) {
					text := smuggled
					if strings.Contains(name, "chunks") {
						text = fmt.Sprintf("%x\r\n%s\r\n", len(smuggled), smuggled)
					}
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
			if c.status != 0 && answer.StatusCode != c.status || !answer.Close {
				t.Errorf("got %d, close %v", answer.StatusCode, answer.Close)
			}
			if rest, _ := io.ReadAll(from); len(rest) > 0 {
				t.Errorf("another answer: %.100q", rest)
			}
			if n := read.Load() - before; n > 4*core.MaxForm {
				t.Errorf("%d bytes were read", n)
			}
		})
	}
}

// A form that fits is read from the stream as usual, and the connection stays open.
func TestStreamedForm(t *testing.T) {
	_, addr, _ := serveFiber(t, fiber.Config{StreamRequestBody: true})
	const form = "refresh_token=a-token-of-nobody"
	for name, body := range map[string]io.Reader{"of known length": strings.NewReader(form), "in chunks": io.MultiReader(strings.NewReader(form))} {
		answer, err := http.Post("http://"+addr+"/auth/v2/token", "application/x-www-form-urlencoded", body)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || answer.Close || !strings.Contains(string(text), "invalid_grant") {
			t.Errorf("%s: %d, close %v, %s", name, answer.StatusCode, answer.Close, text)
		}
	}
}

// Header names are compared without case, whether fiber normalises them or not.
func TestHeaderNamesInAnyCase(t *testing.T) {
	for _, raw := range []bool{false, true} {
		idp, addr, _ := serveFiber(t, fiber.Config{DisableHeaderNormalizing: raw, ReadBufferSize: 16 << 10})
		for _, c := range []struct {
			names  []string
			status int
		}{
			{[]string{"Authorization"}, 200}, {[]string{"authorization"}, 200}, {[]string{"AUTHORIZATION"}, 200},
			{[]string{"Authorization", "authorization"}, 400}, {[]string{"authorization", "aUTHORIZATION"}, 400},
			{strings.Fields(strings.Repeat("authorization ", 20)), 400}, {[]string{"x-authorization"}, 401}, {nil, 401},
		} {
			connection, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			text := "GET /me HTTP/1.1\r\nHost: x\r\n"
			for _, name := range c.names {
				token := strings.TrimPrefix(idp.Bearer("alice"), "Bearer ")
				if len(c.names) > 2 {
					token = "short"
				}
				text += name + ": Bearer " + token + "\r\n"
			}
			_, _ = io.WriteString(connection, text+"\r\n")
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = connection.Close()
			if answer.StatusCode != c.status {
				t.Errorf("normalising off: %v; %v: got %d, want %d", raw, c.names, answer.StatusCode, c.status)
			}
		}
	}
}
