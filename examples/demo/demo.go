package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// server is what the demo needs of a framework once its routes are registered; [http.Server] implements it.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// frameworks has the five ways to serve the demo: each mounts the auth routes and the guarded ones under /api, and serves
// sitePaths with site.
var frameworks = map[string]func(auth *core.Auth, site http.Handler) (server, error){
	"gin": onGin, "echo": onEcho, "fiber": onFiber, "chi": onChi, "nethttp": onNetHTTP,
}

// demo is a provider and one or two applications, all running.
type demo struct {
	framework string
	data      string // the folder with the data of stores and provider
	provider  *oidctest.Provider
	apps      []*app
	failed    chan error // an application stopped serving unexpectedly
}

// app is one application with its own store and signing keys.
type app struct {
	base     string // http://127.0.0.1:8080
	listener net.Listener
	auth     *core.Auth
	server   server
}

// start starts everything; the caller closes it.
func start(o options) (*demo, error) {
	serve, known := frameworks[o.framework]
	if !known {
		names := slices.Sorted(maps.Keys(frameworks))
		return nil, fmt.Errorf("framework %q: write one of %s", o.framework, strings.Join(names, ", "))
	}
	d := &demo{framework: o.framework, failed: make(chan error, 2)}
	if err := d.build(o, serve); err != nil {
		return nil, errors.Join(err, d.close())
	}
	for _, app := range d.apps {
		go func() { d.failed <- app.server.Serve(app.listener) }()
	}
	return d, nil
}

// build makes the provider and the applications. All of them listen before any is configured, because each needs the
// addresses of the others.
func (d *demo) build(o options, serve func(*core.Auth, http.Handler) (server, error)) error {
	var err error
	if d.data, err = dataFolder(o.data); err != nil {
		return err
	}
	for i := range o.peers {
		addr, err := nextAddr(o.addr, 2*i) // the provider is in between
		if err != nil {
			return err
		}
		listener, err := listen(addr)
		if err != nil {
			return err
		}
		d.apps = append(d.apps, &app{base: "http://" + listener.Addr().String(), listener: listener})
	}
	if d.provider, err = startProvider(o.provider, providerFile(d.data, d.apps[0].base)); err != nil {
		return err
	}
	for _, app := range d.apps {
		if err := d.serve(app, serve); err != nil {
			return err
		}
	}
	return nil
}

// serve configures an application and registers its routes.
func (d *demo) serve(app *app, serve func(*core.Auth, http.Handler) (server, error)) error {
	s := newSessions(port(app.base))
	cfg := d.config(app)
	cfg.OnLogin = s.onLogin
	var err error
	if app.auth, err = core.New(cfg); err != nil {
		return err
	}
	if err := s.use(app.auth); err != nil {
		return err
	}
	site, err := newSite(pageData{
		Framework: d.framework, Base: app.base, Issuer: d.provider.Issuer(), Peer: d.peerOf(app), Data: d.data,
		AdminScope: adminScope, AdminRole: adminRole, Users: users,
	}, s, d.provider)
	if err != nil {
		return err
	}
	app.server, err = serve(app.auth, site)
	return err
}

// config is the configuration of an application in broker mode.
func (d *demo) config(app *app) core.Config {
	cfg := d.provider.Config()
	cfg.PublicURL = app.base + "/api"
	cfg.PostLogoutURIs = []string{app.base + "/"}
	cfg.SecretKeys = nil // with SQLite, the key that seals the store is in a file beside it
	cfg.StoreURL = storeURL(d.data, app.base)
	cfg.Broker = &core.BrokerConfig{
		Audience:   "oidcauth-demo", // the same for all services that trust each other
		TokenTTL:   5 * time.Minute, // short, so that you can watch it expire
		SessionTTL: 24 * time.Hour,  // the same as at the provider
	}
	if peer := d.peerOf(app); peer != "" {
		cfg.Broker.TrustedIssuers = []string{peer + "/api"}
	}
	return cfg
}

// peerOf returns the address of the other application, "" if there is none.
func (d *demo) peerOf(app *app) string {
	for _, other := range d.apps {
		if other != app {
			return other.base
		}
	}
	return ""
}

func (d *demo) announce(out io.Writer) {
	_, _ = fmt.Fprintf(out, "\n  Open %s/\n\n", d.apps[0].base)
	for _, app := range d.apps {
		_, _ = fmt.Fprintf(out, "  application  %s, on %s\n", app.base, d.framework)
	}
	_, _ = fmt.Fprintf(out, "  provider     %s\n  users        %s\n  data         %s\n  Ctrl-C ends it all; sessions are there again at the next start.\n",
		d.provider.Issuer(), strings.Join(userNames(), ", "), d.data)
}

// patience is how long running requests may take when the demo stops.
const patience = 3 * time.Second

// close stops everything, the provider last. It cuts connections that stay open, which is not an error.
func (d *demo) close() error {
	var errs []error
	for _, app := range d.apps {
		errs = append(errs, app.close())
	}
	if d.provider != nil {
		errs = append(errs, d.provider.Close())
	}
	return errors.Join(errs...)
}

func (a *app) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	if a.server != nil {
		if err := a.server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
	}
	_ = a.listener.Close() // still open if serve was never called
	if a.auth != nil {
		errs = append(errs, a.auth.Close())
	}
	return errors.Join(errs...)
}
