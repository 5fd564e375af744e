package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/go-oidc-auth/oidcauth/core"
)

// guards has a guard with a token cache, one without, and one of a service with browser sessions.
type guards struct {
	hit, uncached *core.Auth
	web           *webService
}

func newGuards(p *provider) (*guards, error) {
	hit, err := core.New(p.config(0))
	if err != nil {
		return nil, err
	}
	uncached, err := core.New(p.config(-1))
	if err != nil {
		return nil, err
	}
	web, err := newWebService(nil)
	return &guards{hit, uncached, web}, err
}

func (g *guards) close() {
	_ = g.hit.Close()
	_ = g.uncached.Close()
	g.web.close()
}

// site has the routes of one framework, called in process or served.
type site interface {
	prepare(path string, header http.Header) func() error
	serve(net.Listener) error
}

// callers has the headers of requests that all routes accept.
type callers struct {
	Program http.Header // a bearer token
	Browser http.Header // the cookie of a session, and what a browser says of its own requests
}

func (c callers) of(v visit) http.Header {
	if v.browser {
		return c.Browser
	}
	return c.Program
}

// built is the site of a framework and its callers.
type built struct {
	site
	callers
	key   *key
	close func()
}

// newSite builds the routes of a framework.
func newSite(ctx context.Context, f framework) (*built, error) {
	k, err := newKey("RS256")
	if err != nil {
		return nil, err
	}
	p := newProvider(k)
	g, err := newGuards(p)
	if err != nil {
		return nil, err
	}
	b := &built{key: k, close: g.close}
	b.Program = tokenHeader(k.token(keycloak(nil)))
	if b.Browser, err = g.web.browser("alice"); err == nil {
		b.site, err = f.build(ctx, k, p, g)
	}
	if err != nil {
		g.close()
		return nil, err
	}
	return b, nil
}

var errStatus = errors.New("another status than 200")

// rawRequest returns a GET request as it is sent.
func rawRequest(host, path string, header http.Header) []byte {
	var b bytes.Buffer
	b.WriteString("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n")
	_ = header.Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}

// netSite is the site of gin, echo and chi.
type netSite struct{ http.Handler }

func (s netSite) serve(l net.Listener) error {
	return (&http.Server{Handler: s, ReadHeaderTimeout: time.Minute}).Serve(l)
}

func (s netSite) prepare(path string, header http.Header) func() error {
	request := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RequestURI: path,
		Host: "app.example.org", Header: header, Body: http.NoBody,
	}
	w := &sink{header: http.Header{}}
	return func() error {
		clear(w.header)
		w.status = 0
		s.ServeHTTP(w, request)
		if w.status != http.StatusOK {
			return errStatus
		}
		return nil
	}
}

// sink discards an answer except its status.
type sink struct {
	header http.Header
	status int
}

func (w *sink) Header() http.Header { return w.header }

func (w *sink) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *sink) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(b), nil
}

// fiberSite is the site of fiber, which uses requests of fasthttp.
type fiberSite struct{ *fiber.App }

func (s fiberSite) serve(l net.Listener) error { return s.Listener(l) }

func (s fiberSite) prepare(path string, header http.Header) func() error {
	handler := s.Handler()
	var request fasthttp.Request
	// Parsed as from a network: a cookie that is set is kept in another form.
	if err := request.Read(bufio.NewReader(bytes.NewReader(rawRequest("app.example.org", path, header)))); err != nil {
		return func() error { return err }
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(&request, nil, nil)
	return func() error {
		ctx.Response.Reset()
		ctx.ResetUserValues()
		handler(ctx)
		if ctx.Response.StatusCode() != http.StatusOK {
			return errStatus
		}
		return nil
	}
}
