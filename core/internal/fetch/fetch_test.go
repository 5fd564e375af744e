package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
)

const poison = "SECRET-OF-THE-OTHER-SIDE"

func get(t *testing.T, client *http.Client, address string) (*fetch.Answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := fetch.Do(client, request)
	if err != nil && strings.Contains(err.Error(), poison) {
		t.Errorf("the error quotes the server: %v", err)
	}
	return answer, err
}

// roundTrip answers in memory.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, contentType, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}, "Location": {"https://evil.example/" + poison}}, Body: io.NopCloser(strings.NewReader(body))}
}

// Every answer other than a 2xx or 4xx in strict JSON is one of two errors with a fixed text.
func TestAnswers(t *testing.T) {
	const object = `{"a":"b"}`
	for name, c := range map[string]struct {
		status      int
		contentType string
		body        string
		want        error
		text        string
	}{
		"object":                      {200, "application/json", object, nil, object},
		"object with a charset":       {200, "application/json; charset=utf-8", object, nil, object},
		"object of a JSON type":       {200, "application/jwk-set+json", object, nil, object},
		"created":                     {201, "application/json", object, nil, object},
		"empty":                       {200, "", "", nil, ""},
		"no content":                  {204, "", "", nil, ""},
		"refusal in JSON":             {400, "application/json", object, nil, object},
		"refusal in HTML":             {401, "text/html", "<p>" + poison, nil, "{}"},
		"refusal with broken JSON":    {400, "application/json", `{"error":"` + poison, nil, "{}"},
		"refusal with a member twice": {400, "application/json", `{"error":"a","error":"b"}`, nil, "{}"},
		"refusal with nothing":        {403, "", "", nil, "{}"},
		"503":                         {503, "application/json", object, fetch.ErrUnreachable, ""},
		"500 with HTML":               {500, "text/html", "<h1>" + poison, fetch.ErrUnreachable, ""},
		"429":                         {429, "application/json", object, fetch.ErrUnreachable, ""},
		"408":                         {408, "application/json", object, fetch.ErrUnreachable, ""},
		"200 with HTML":               {200, "text/html", "<h1>" + poison, fetch.ErrNonsense, ""},
		"JSON said to be HTML":        {200, "text/html", object, fetch.ErrNonsense, ""},
		"JSON of no type":             {200, "", object, fetch.ErrNonsense, ""},
		"HTML said to be JSON":        {200, "application/json", "<h1>" + poison, fetch.ErrNonsense, ""},
		"truncated":                   {200, "application/json", `{"a":"` + poison, fetch.ErrNonsense, ""},
		"a list":                      {200, "application/json", `["` + poison + `"]`, fetch.ErrNonsense, ""},
		"a member twice":              {200, "application/json", `{"a":1,"a":2}`, fetch.ErrNonsense, ""},
		"trailing data":               {200, "application/json", object + "x", fetch.ErrNonsense, ""},
		"broken UTF-8":                {200, "application/json", "{\"a\":\"\xff\"}", fetch.ErrNonsense, ""},
		"2 MB":                        {200, "application/json", `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, fetch.ErrNonsense, ""},
		"2 MB of refusal":             {400, "application/json", `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, fetch.ErrNonsense, ""},
		"the largest":                 {200, "application/json", `{"a":"` + strings.Repeat("x", fetch.MaxBody-8) + `"}`, nil, `{"a":"` + strings.Repeat("x", fetch.MaxBody-8) + `"}`},
		"a byte too many":             {200, "application/json", `{"a":"` + strings.Repeat("x", fetch.MaxBody-7) + `"}`, fetch.ErrNonsense, ""},
		"301":                         {301, "application/json", object, fetch.ErrNonsense, ""},
		"302":                         {302, "application/json", object, fetch.ErrNonsense, ""},
		"304":                         {304, "application/json", "", fetch.ErrNonsense, ""},
		"307":                         {307, "application/json", object, fetch.ErrNonsense, ""},
		"101":                         {101, "application/json", object, fetch.ErrNonsense, ""},
	} {
		calls := 0
		client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			calls++
			return answer(c.status, c.contentType, c.body), nil
		})}, time.Minute)
		got, err := get(t, client, "https://idp.example")
		if !errors.Is(err, c.want) || calls != 1 {
			t.Errorf("%s: %v after %d calls", name, err, calls)
			continue
		}
		if err == nil && (string(got.Text) != c.text || got.Status != c.status) {
			t.Errorf("%s: %d %.60s", name, got.Status, got.Text)
		}
	}
}

// An endless answer is not read to its end.
func TestSizeIsBoundedWhileReading(t *testing.T) {
	var body endless
	client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(&body)}, nil
	})}, time.Minute)
	if _, err := get(t, client, "https://idp.example"); !errors.Is(err, fetch.ErrNonsense) {
		t.Errorf("got %v", err)
	}
	if body.read > 2*fetch.MaxBody {
		t.Errorf("%d bytes were read", body.read)
	}
}

// endless returns spaces without end; a test fails before it runs out of memory.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 64*fetch.MaxBody {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

// The error of the application's transport, which may quote the server, is not passed on.
func TestTransportErrorIsNotRepeated(t *testing.T) {
	client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New(poison)
	})}, time.Minute)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://idp.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, fetch.ErrUnreachable) || strings.Contains(err.Error(), poison) {
		t.Errorf("got %v", err)
	}
}

// The limits also apply to a library that uses the client.
func TestBoundsAreInTheTransport(t *testing.T) {
	client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return answer(200, "text/html", "<h1>"+poison), nil
	})}, time.Minute)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://idp.example", strings.NewReader("code=c"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, fetch.ErrNonsense) || fetch.IsOutage(err) {
		t.Errorf("got %v", err)
	}
}

// A transport in an application's tests may omit fields that a real one fills in.
func TestBareAnswer(t *testing.T) {
	for _, status := range []int{200, 204, 400, 503} {
		client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: http.NoBody}, nil
		})}, time.Minute)
		if _, err := get(t, client, "https://idp.example"); (err != nil) != (status == 503) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// The timeout is for the whole call: an answer that arrives byte by byte does not extend it.
func TestTimeIsBounded(t *testing.T) {
	for name, body := range map[string]func(context.Context) (io.Reader, error){
		"no answer": func(ctx context.Context) (io.Reader, error) { <-ctx.Done(); return nil, ctx.Err() },
		"hangs":     func(ctx context.Context) (io.Reader, error) { return &drip{ctx: ctx, every: time.Hour}, nil },
		"drips":     func(ctx context.Context) (io.Reader, error) { return &drip{ctx: ctx, every: time.Second / 2}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fetch.NewClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					reader, err := body(r.Context())
					if err != nil {
						return nil, err
					}
					return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(reader)}, nil
				})}, 5*time.Second)
				start := time.Now()
				if _, err := get(t, client, "https://idp.example"); !errors.Is(err, fetch.ErrUnreachable) {
					t.Errorf("got %v", err)
				}
				if waited := time.Since(start); waited < 5*time.Second || waited > 6*time.Second {
					t.Errorf("waited %s", waited)
				}
			})
		})
	}
}

type drip struct {
	ctx   context.Context
	every time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.every):
		return copy(p, " "), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

// Over a real connection: refused, reset, cut off, and too large after decompression.
func TestConnections(t *testing.T) {
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  error
	}{
		"reset":   {func(w http.ResponseWriter, _ *http.Request) { hangUp(w, "") }, fetch.ErrUnreachable},
		"no HTTP": {func(w http.ResponseWriter, _ *http.Request) { hangUp(w, poison) }, fetch.ErrUnreachable},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\nContent-Type: application/json\r\n\r\n{\"a\":1}")
		}, fetch.ErrUnreachable},
		"big head": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, fetch.ErrUnreachable},
		"bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "application/json")
			packed := gzip.NewWriter(w)
			_, _ = packed.Write(bytes.Repeat([]byte(" "), 20<<20))
			_ = packed.Close()
		}, fetch.ErrNonsense},
	} {
		server := httptest.NewServer(c.serve)
		if _, err := get(t, fetch.NewClient(nil, time.Minute), server.URL); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
		if _, err := get(t, fetch.NewClient(nil, time.Minute), server.URL); !errors.Is(err, fetch.ErrUnreachable) {
			t.Errorf("refused: %v", err)
		}
	}
}

func hangUp(w http.ResponseWriter, last string) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(connection, last)
	if tcp, ok := connection.(*net.TCPConn); ok && last == "" {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// Redirects are not followed, so that no secret goes to another host.
func TestRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		visited := 0
		target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { visited++ }))
		source := httptest.NewServer(http.RedirectHandler(target.URL, status))
		if _, err := get(t, fetch.NewClient(&http.Client{}, time.Minute), source.URL); !errors.Is(err, fetch.ErrNonsense) || visited != 0 {
			t.Errorf("%d: %v, %d visits", status, err, visited)
		}
		source.Close()
		target.Close()
	}
}

// The application's client is copied: its jar is still used, and it is not changed.
func TestClientIsCopied(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	home := &url.URL{Scheme: "https", Host: "idp.example"}
	jar.SetCookies(home, []*http.Cookie{{Name: "lb", Value: "7"}})
	var cookie string
	base := &http.Client{Jar: jar, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		cookie = r.Header.Get("Cookie")
		return answer(200, "application/json", "{}"), nil
	})}
	before := fmt.Sprintf("%p %p", base.Transport, base.CheckRedirect)
	if _, err := get(t, fetch.NewClient(base, time.Minute), home.String()); err != nil || cookie != "lb=7" {
		t.Errorf("got cookie %q, %v", cookie, err)
	}
	if after := fmt.Sprintf("%p %p", base.Transport, base.CheckRedirect); after != before {
		t.Error("the application's client was changed")
	}
}
