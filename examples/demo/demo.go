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

// server is what the demo needs of a framework once its routes are registered; [http.Server] has it.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// frameworks are the four ways to serve the demo: each mounts the auth routes and the guarded ones under /api, and
// hands sitePaths to site.
var frameworks = map[string]func(auth *core.Auth, site http.Handler) (server, error){
	"gin": onGin, "echo": onEcho, "fiber": onFiber, "chi": onChi,
}

// demo is a provider and an application, both running.
type demo struct {
	framework string
	base      string // of the application: http://127.0.0.1:8080
	provider  *oidctest.Provider
	auth      *core.Auth
	server    server
	failed    chan error // the application stopped serving by itself
}

// start brings everything up; the caller closes it.
func start(o options) (*demo, error) {
	serve, known := frameworks[o.framework]
	if !known {
		names := slices.Sorted(maps.Keys(frameworks))
		return nil, fmt.Errorf("framework %q: write one of %s", o.framework, strings.Join(names, ", "))
	}
	listener, err := listen(o.addr)
	if err != nil {
		return nil, err
	}
	d := &demo{framework: o.framework, base: "http://" + listener.Addr().String(), failed: make(chan error, 1)}
	if err := d.build(o, serve, listener); err != nil {
		_ = listener.Close() // the other error is the one to tell
		return nil, errors.Join(err, d.close())
	}
	go func() { d.failed <- d.server.Serve(listener) }()
	return d, nil
}

// build makes the provider and everything that knows its address and the application's.
func (d *demo) build(o options, serve func(*core.Auth, http.Handler) (server, error), listener net.Listener) error {
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	if d.provider, err = startProvider(o.provider); err != nil {
		return err
	}
	s := newSessions(port)
	cfg := d.provider.Config()
	cfg.PublicURL = d.base + "/api"
	cfg.PostLogoutURIs = []string{d.base + "/"}
	cfg.OnLogin = s.onLogin
	if d.auth, err = core.New(cfg); err != nil {
		return err
	}
	s.guard = d.auth.Required()
	site, err := newSite(pageData{
		Framework: d.framework, Base: d.base, Issuer: d.provider.Issuer(), AdminScope: adminScope, AdminRole: adminRole, Users: users,
	}, s)
	if err != nil {
		return err
	}
	d.server, err = serve(d.auth, site)
	return err
}

func (d *demo) announce(out io.Writer) {
	_, _ = fmt.Fprintf(out, "\n  Open %s/\n\n  application  %s, on %s\n  provider     %s\n  users        %s\n  Ctrl-C ends both.\n",
		d.base, d.base, d.framework, d.provider.Issuer(), strings.Join(userNames(), ", "))
}

// patience is how long requests under way may take to finish when the demo ends.
const patience = 3 * time.Second

// close ends what runs, the application first. A connection that stays open is cut and is no fault.
func (d *demo) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	if d.server != nil {
		if err := d.server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
	}
	if d.auth != nil {
		errs = append(errs, d.auth.Close())
	}
	if d.provider != nil {
		errs = append(errs, d.provider.Close())
	}
	return errors.Join(errs...)
}
