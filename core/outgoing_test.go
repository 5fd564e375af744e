package core_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A token goes to the origin that was named, and to no address that only looks like it.
func TestOutgoingOrigins(t *testing.T) {
	s := newCaller(t, nil)
	as := core.AsService(orders)
	for _, address := range []string{
		orders, orders + "/", orders + ":443/list", "https://ORDERS.example.ORG/list", "HTTPS://orders.example.org/", orders + ":/x", orders + "/?next=https://evil.example",
	} {
		if status, token, err := s.get(t.Context(), as, address); status != http.StatusOK || token == "" {
			t.Errorf("%s: %d %v", address, status, err)
		}
	}
	before := s.target.count()
	for _, address := range []string{
		"http://orders.example.org/", "https://orders.example.org:8443/", "https://orders.example.org.evil.example/", "https://evil.example/orders.example.org",
		"https://orders.example.org@evil.example/", "https://orders.example.org:443@evil.example/", "https://orders.example.org./", "https://orders.example.org%2eevil.example/",
		"https://xorders.example.org/", "https://example.org/", "https://evil.example#orders.example.org", "https://evil.example?@orders.example.org",
		"https://orders.example.or\u0261/", "http://orders.example.org:443/", "//orders.example.org/", "https:orders.example.org",
	} {
		u, err := url.Parse(address)
		if err != nil {
			continue // nothing can be sent to it
		}
		request := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
		if _, err := s.auth.Client(t.Context(), as.Via(s.target)).Transport.RoundTrip(request.WithContext(t.Context())); !errors.Is(err, core.ErrWrongOrigin) {
			t.Errorf("%s: %v", address, err)
		}
	}
	// The Host header, and the part of the request line, name another one.
	for name, request := range map[string]*http.Request{
		"host":   {Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "orders.example.org"}, Host: "evil.example", Header: http.Header{}},
		"opaque": {Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "orders.example.org", Opaque: "//evil.example/x"}, Header: http.Header{}},
		"no url": {Method: http.MethodGet, Header: http.Header{}},
	} {
		if _, err := s.auth.Client(t.Context(), as.Via(s.target)).Transport.RoundTrip(request.WithContext(t.Context())); !errors.Is(err, core.ErrWrongOrigin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.target.count() - before; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// The application's own Authorization is neither overwritten nor sent in the place of the token.
func TestOutgoingAuthorization(t *testing.T) {
	s := newCaller(t, nil)
	client := s.auth.Client(t.Context(), core.AsService(orders).Via(s.target))
	for name, request := range map[string]*http.Request{
		"header": {Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "orders.example.org"}, Header: http.Header{"Authorization": {"Basic eDp5"}}},
		"empty":  {Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "orders.example.org"}, Header: http.Header{"Authorization": {""}}},
		"user":   {Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "orders.example.org", User: url.UserPassword("x", "y")}, Header: http.Header{}},
	} {
		if _, err := client.Do(request.WithContext(t.Context())); !errors.Is(err, core.ErrHasAuthorization) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.target.count() != 0 || s.idp.Hits(oidctest.Token) != 0 {
		t.Error("something was sent")
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, orders, nil)
	if _, err := client.Do(request); err != nil || request.Header.Get("Authorization") != "" {
		t.Errorf("%v: the application's request was changed: %v", err, request.Header)
	}
}

// A redirect to another origin gets no token, and neither does what that one redirects back.
func TestOutgoingRedirects(t *testing.T) {
	s := newCaller(t, nil)
	var heard []string
	var there, here *httptest.Server
	note := func(name string, r *http.Request) {
		word := "without"
		if r.Header.Get("Authorization") != "" {
			word = "with"
		}
		heard = append(heard, name+r.URL.Path+" "+word)
	}
	there = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note("there", r)
		if r.URL.Path == "/back" {
			http.Redirect(w, r, here.URL+"/last", http.StatusFound)
		}
	}))
	defer there.Close()
	here = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note("here", r)
		switch r.URL.Path {
		case "/own":
			http.Redirect(w, r, "/last", http.StatusTemporaryRedirect)
		case "/away":
			http.Redirect(w, r, there.URL+"/away", http.StatusTemporaryRedirect)
		case "/back":
			http.Redirect(w, r, there.URL+"/back", http.StatusFound)
		}
	}))
	defer here.Close()
	client := s.auth.Client(t.Context(), core.AsService("stock").To(here.URL))
	for path, want := range map[string][]string{
		"/own":  {"here/own with", "here/last with"},
		"/away": {"here/away with", "there/away without"},
		"/back": {"here/back with", "there/back without", "here/last without"},
	} {
		heard = nil
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, here.URL+path, strings.NewReader("x"))
		answer, err := client.Do(request)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		_ = answer.Body.Close()
		if !slices.Equal(heard, want) {
			t.Errorf("%s: %q, want %q", path, heard, want)
		}
	}
	// From https to http on the same host.
	s.target.answer = func(r *http.Request) *http.Response {
		if r.URL.Scheme == "https" {
			return reply(r, http.StatusFound, "http://orders.example.org/list")
		}
		return reply(r, http.StatusOK, "")
	}
	if status, token, err := s.get(t.Context(), core.AsService(orders), orders+"/list"); status != http.StatusOK || token != "" || err != nil {
		t.Errorf("downgrade: %d with token %.9q: %v", status, token, err)
	}
}

// What is wrong with As is said before anything is sent.
func TestOutgoingMistakes(t *testing.T) {
	s := newCaller(t, nil)
	for want, as := range map[string]core.As{
		"it is empty":                        {},
		"names no origin":                    core.AsService("stock"),
		"without an audience":                core.AsCaller("").To(orders),
		"At and AsCaller":                    core.AsCaller(orders).At("x"),
		"there is no provider":               core.AsService(orders).At("x"),
		"write an https URL; http":           core.AsService(orders).To("http://orders.example.org"),
		"remove user and password":           core.AsService(orders).To("https://a:b@orders.example.org"),
		"without a path":                     core.AsService(orders).To(orders + "/v1"),
		"write an absolute URL":              core.AsService(orders).To("orders.example.org"),
		"empty: write an absolute":           core.AsService(orders).To(""),
		"names no origin: write To(\"https:": core.AsService("http://orders.example.org"),
		"ASCII":                              core.AsService(orders).To("https://b\u00fccher.example"),
	} {
		status, _, err := s.get(t.Context(), as, orders)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d %v, want %q", status, err, want)
		}
	}
	if s.target.count() != 0 || s.idp.Hits(oidctest.Token) != 0 {
		t.Error("something was sent")
	}
}
