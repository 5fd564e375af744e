package main

import (
	"net"
	"net/http"
	"testing"
)

// Every framework answers on all routes, in process and over loopback, and only the bare one lets forged credentials pass.
func TestSites(t *testing.T) {
	for _, f := range frameworks {
		s, err := newSite(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		if s.Browser.Get("Cookie") == "" || s.Browser.Get("Sec-Fetch-Site") != "same-origin" || s.Browser.Get("Authorization") != "" {
			t.Errorf("a browser sends %v", s.Browser)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		go func() { _ = s.serve(listener) }()
		o := order{Address: listener.Addr().String()} // for no time: one request on each connection
		for i, v := range visits {
			forged := s.prepare(v.path, forgery(s.of(v)))() == nil
			if err := s.prepare(v.path, s.of(v))(); err != nil || forged != (v.path == bareRoute) {
				t.Errorf("%s %s: %v; a forgery passes: %v", f.name, v.path, err, forged)
			}
			o.Path, o.Header = v.path, s.of(v)
			if got, err := o.carryOut(); err != nil || got.Requests != connections || got.Time <= 0 {
				t.Errorf("%s %s over loopback: %+v, %v", f.name, v.path, got, err)
			}
			o.Header = forgery(o.Header)
			if _, err := o.carryOut(); (err == nil) != (i == visitBare || i == visitBareBrowser) {
				t.Errorf("%s %s over loopback with a forgery: %v", f.name, v.path, err)
			}
		}
		if _, err := acceptedBy(s); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		o.Path, o.Header = "/nowhere", s.Program
		if _, err := o.carryOut(); err == nil {
			t.Errorf("%s: an answer of 404 was counted", f.name)
		}
	}
}

// forgery returns headers with another signature of the token, or another secret in the cookie.
func forgery(header http.Header) http.Header {
	forged := make(http.Header)
	for name := range header {
		value := header.Get(name)
		if name == "Authorization" || name == "Cookie" {
			end := len(value) - 2 // the last character of a signature may have bits that do not count
			value = value[:end] + another(value[end]) + value[end+1:]
		}
		forged.Set(name, value)
	}
	return forged
}
