package contract

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// client sends requests to one application. It follows no redirects, keeps no cookies and adds no headers.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func newClient(t *testing.T, base string) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, base, &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get sends a GET; headers are "Name: value".
func (c *client) get(target string, headers ...string) *answer {
	c.t.Helper()
	return c.send(http.MethodGet, target, nil, headers...)
}

// post sends a urlencoded form.
func (c *client) post(target string, form url.Values, headers ...string) *answer {
	c.t.Helper()
	return c.postRaw(target, form.Encode(), headers...)
}

// postRaw sends the text of a urlencoded form.
func (c *client) postRaw(target, form string, headers ...string) *answer {
	c.t.Helper()
	return c.send(http.MethodPost, target, strings.NewReader(form), append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

func (c *client) send(method, target string, body io.Reader, headers ...string) *answer {
	c.t.Helper()
	a, err := c.try(method, target, body, headers...)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// try is send for goroutines, which must not call FailNow.
func (c *client) try(method, target string, body io.Reader, headers ...string) (*answer, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+target, body)
	if err != nil {
		return nil, err
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	return c.read(method+" "+short(target), response)
}

// raw writes the lines of a request unchanged, on a new connection.
func (c *client) raw(lines ...string) *answer {
	c.t.Helper()
	connection := c.dial(lines...)
	defer func() { _ = connection.Close() }() // it was only read
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		c.t.Fatalf("%s: %v", short(strings.Join(lines, " | ")), err)
	}
	a, err := c.read(short(strings.Join(lines, " | ")), response)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// dial opens a connection and writes a request: the lines, with Host after the first one, and an empty line. Lines after an empty
// one are the body.
func (c *client) dial(lines ...string) net.Conn {
	c.t.Helper()
	host := strings.TrimPrefix(c.base, "http://")
	connection, err := (&net.Dialer{}).DialContext(c.t.Context(), "tcp", host)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		c.t.Fatal(err)
	}
	head, body, _ := strings.Cut(strings.Join(lines, "\r\n"), "\r\n\r\n")
	line, headers, _ := strings.Cut(head+"\r\n", "\r\n")
	text := line + "\r\nHost: " + host + "\r\n" + headers + "\r\n" + body
	if _, err := io.WriteString(connection, text); err != nil {
		c.t.Fatal(err)
	}
	return connection
}

func (c *client) read(what string, response *http.Response) (*answer, error) {
	defer func() { _ = response.Body.Close() }() // it was only read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return &answer{c.t, what, response.StatusCode, response.Header, string(body)}, nil
}

// short keeps messages readable.
func short(text string) string {
	if len(text) > 300 {
		return text[:300] + "..."
	}
	return text
}

// in returns a copy that reports to a subtest.
func (s *site) in(t *testing.T) *site {
	reporting := *s.client
	reporting.t = t
	return &site{&reporting, s.mode, s.idp, s.auth, s.store, s.url}
}
