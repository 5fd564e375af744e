package main

import (
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

// guards has one guard with a token cache and one without.
type guards struct{ hit, uncached *core.Auth }

func newGuards(p *provider) (*guards, error) {
	hit, err := core.New(p.config(0))
	if err != nil {
		return nil, err
	}
	uncached, err := core.New(p.config(-1))
	return &guards{hit, uncached}, err
}

func (g *guards) close() {
	_ = g.hit.Close()
	_ = g.uncached.Close()
}

// site has the routes of one framework, called in process or served.
type site interface {
	prepare(path, token string) func() error
	serve(net.Listener) error
}

// newSite builds the routes of a framework and a token that all of them accept.
func newSite(ctx context.Context, f framework) (s site, k *key, done func(), err error) {
	if k, err = newKey("RS256"); err != nil {
		return nil, nil, nil, err
	}
	p := newProvider(k)
	g, err := newGuards(p)
	if err != nil {
		return nil, nil, nil, err
	}
	s, err = f.build(ctx, k, p, g)
	return s, k, g.close, err
}

var errStatus = errors.New("another status than 200")

// netSite is the site of gin, echo and chi.
type netSite struct{ http.Handler }

func (s netSite) serve(l net.Listener) error {
	return (&http.Server{Handler: s, ReadHeaderTimeout: time.Minute}).Serve(l)
}

func (s netSite) prepare(path, token string) func() error {
	request := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RequestURI: path,
		Host: "app.example.org", Header: http.Header{"Authorization": {"Bearer " + token}}, Body: http.NoBody,
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

func (s fiberSite) prepare(path, token string) func() error {
	handler := s.Handler()
	var request fasthttp.Request
	request.SetRequestURI(path)
	request.Header.SetHost("app.example.org")
	request.Header.Set("Authorization", "Bearer "+token)
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
