package fetch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
)

func TestFault(t *testing.T) {
	for name, c := range map[string]struct{ err, want error }{
		"wrapped outage":   {fmt.Errorf("x: %w", fetch.ErrUnreachable), fetch.ErrUnreachable},
		"wrapped nonsense": {&url.Error{Op: "Post", URL: "https://idp.example", Err: fetch.ErrNonsense}, fetch.ErrNonsense},
		"canceled":         {context.Canceled, fetch.ErrUnreachable},
		"deadline":         {&url.Error{Err: context.DeadlineExceeded}, fetch.ErrUnreachable},
		"anything else":    {errors.New("oauth2: server response missing access_token"), fetch.ErrNonsense},
	} {
		got := fetch.Fault("https://idp.example:8443/x?y", c.err)
		if !errors.Is(got, c.want) || got.Host != "idp.example:8443" || fetch.IsOutage(c.err) != (c.want == fetch.ErrUnreachable) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Each fault of an answer has one word; the error has the host and the status.
func TestReasonsOfAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status            int
		contentType, body string
		reason            string
	}{
		"503": {503, "application/json", "{}", "status"}, "429": {429, "text/html", "", "status"}, "100": {102, "", "", "status"},
		"redirect": {302, "", "", "redirect"}, "HTML": {200, "text/html; charset=utf-8", "<p>" + poison, "html"},
		"text": {200, "text/plain", "{}", "not_json"}, "no type": {200, "", "{}", "not_json"}, "304": {304, "", "", "status"},
		"truncated": {200, "application/json", `{"a":"` + poison, "malformed"}, "a list": {200, "application/json", "[]", "malformed"},
		"2 MB": {200, "application/json", strings.Repeat(" ", 2<<20), "too_large"},
	} {
		client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return answer(c.status, c.contentType, c.body), nil
		})}, time.Minute)
		_, err := get(t, client, "https://idp.example/path?query="+poison)
		wantError(t, name, err, fetch.Error{Host: "idp.example", Status: c.status, Reason: c.reason})
	}
}

func wantError(t *testing.T, name string, err error, want fetch.Error) {
	t.Helper()
	var got *fetch.Error
	if !errors.As(err, &got) || got.Host != want.Host || got.Status != want.Status || got.Reason != want.Reason {
		t.Errorf("%s: %v, want %s %d %s", name, err, want.Host, want.Status, want.Reason)
		return
	}
	if !strings.HasPrefix(got.Error(), want.Host+": ") || strings.Contains(got.Error(), poison) || strings.HasPrefix(got.Error(), want.Host+":  (") {
		t.Errorf("%s: %q", name, got.Error())
	}
	var attrs []string
	for _, attr := range got.LogAttrs() {
		attrs = append(attrs, attr.String())
	}
	if text := strings.Join(attrs, " "); !strings.Contains(text, "host="+want.Host) || !strings.Contains(text, "reason="+want.Reason) || strings.Contains(text, "status=") != (want.Status != 0) {
		t.Errorf("%s: %s", name, text)
	}
}

// Each failure of a connection has one word too.
func TestReasonsOfConnections(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secret := httptest.NewUnstartedServer(http.NotFoundHandler())
	secret.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secret.StartTLS()
	t.Cleanup(secret.Close)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\nContent-Type: application/json\r\n\r\n{")
	}))
	t.Cleanup(cut.Close)
	for name, c := range map[string]struct {
		address, reason string
		status          int
	}{
		"refused": {closed.URL, "refused", 0}, "certificate": {secret.URL, "tls_certificate", 0},
		"no TLS": {strings.Replace(plain.URL, "http:", "https:", 1), "tls", 0}, "cut off": {cut.URL, "closed", 200},
	} {
		_, err := get(t, fetch.NewClient(nil, time.Minute), c.address)
		wantError(t, name, err, fetch.Error{Host: strings.TrimPrefix(strings.TrimPrefix(c.address, "http://"), "https://"), Status: c.status, Reason: c.reason})
	}
	for reason, cause := range map[string]error{
		"dns": &net.DNSError{Err: poison, Name: poison, IsNotFound: true}, "timeout": context.DeadlineExceeded, "canceled": context.Canceled,
		"tls": tls.AlertError(40), "closed": io.ErrUnexpectedEOF, "connection": errors.New(poison),
	} {
		client := fetch.NewClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: cause}
		})}, time.Minute)
		_, err := get(t, client, "https://idp.example")
		wantError(t, reason, err, fetch.Error{Host: "idp.example", Reason: reason})
	}
}

// A host with characters that could break or hide a line of the log is omitted.
func TestHostOf(t *testing.T) {
	for address, want := range map[string]string{
		"https://idp.example/x": "idp.example", "http://[::1]:80": "[::1]:80", "https://a b/": "", "https://\u202eexample": "",
		"https://" + strings.Repeat("a", 300): "", "https://user:secret@idp.example": "idp.example", "::": "", "https://a%0ab": "",
	} {
		if got := fetch.HostOf(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}
