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

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// server is what the demo needs of a framework once its routes are registered; [http.Server] implements it.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// frameworks has all ways to serve the demo: each mounts the services and serves the page with site.
var frameworks = map[string]func(services []*service, site http.Handler) (server, error){
	"gin": onGin, "echo": onEcho, "echo5": onEcho5, "fiber": onFiber, "fiber3": onFiber3, "chi": onChi, "nethttp": onNetHTTP,
}

// demo is a provider and one or two services, all running.
type demo struct {
	framework string
	base      string // http://127.0.0.1:8080
	data      string // the folder with the data of services and provider
	provider  *oidctest.Provider
	services  []*service
	strip     *strip
	thief     *thief
	device    *device

	listener net.Listener
	server   server
	stop     context.CancelFunc // ends streams and the device
	failed   chan error         // the server stopped unexpectedly
}

// start starts everything; the caller closes it.
func start(o options) (*demo, error) {
	serve, known := frameworks[o.framework]
	if !known {
		names := slices.Sorted(maps.Keys(frameworks))
		return nil, fmt.Errorf("framework %q: write one of %s", o.framework, strings.Join(names, ", "))
	}
	ctx, stop := context.WithCancel(context.Background())
	d := &demo{framework: o.framework, strip: new(strip), stop: stop, failed: make(chan error, 1)}
	if err := d.build(ctx, o); err != nil {
		return nil, errors.Join(err, d.close())
	}
	site, err := d.site()
	if err == nil {
		d.server, err = serve(d.services, site)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	go func() { d.failed <- d.server.Serve(d.listener) }()
	return d, nil
}

// build makes the provider and the services.
func (d *demo) build(ctx context.Context, o options) (err error) {
	if d.data, err = dataFolder(o.data); err != nil {
		return err
	}
	if d.listener, err = listen(o.addr); err != nil {
		return err
	}
	d.base = "http://" + d.listener.Addr().String()
	if d.provider, err = startProvider(o.provider, fileOf(d.data, d.base, "provider", "json")); err != nil {
		return err
	}
	for _, s := range []*service{{Name: "Shop", Path: "/shop"}, {Name: "Office", Path: "/office"}}[:o.peers] {
		s.base, s.stop, s.fresh = d.base, ctx, o.fresh
		if err := s.configure(d.provider.Config(), storeURL(d.data, d.base), d.strip.observer(s.Name)); err != nil {
			return err
		}
		d.services = append(d.services, s)
	}
	d.provider.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret,
		BackChannelLogoutURI: d.base + d.services[0].Path + "/auth/v2/backchannel-logout", // the other service reads it from the store
	})
	d.thief = newThief(d.provider)
	d.device = newDevice(ctx, d.services[0])
	return nil
}

// serviceAt returns the service with this path, the first one if there is none.
func (d *demo) serviceAt(path string) *service {
	for _, s := range d.services {
		if s.Path == path {
			return s
		}
	}
	return d.services[0]
}

func (d *demo) announce(out io.Writer) {
	_, _ = fmt.Fprintf(out, "\n  Open %s/\n\n", d.base)
	for _, s := range d.services {
		_, _ = fmt.Fprintf(out, "  service      %s%s, on %s\n", d.base, s.Path, d.framework)
	}
	_, _ = fmt.Fprintf(out, "  provider     %s\n  users        %s\n  data         %s\n  Ctrl-C ends it all; sessions are there again at the next start.\n",
		d.provider.Issuer(), strings.Join(userNames(), ", "), d.data)
}

// patience is how long running requests may take when the demo stops.
const patience = 3 * time.Second

// close stops everything, the provider last. It cuts connections that stay open, which is not an error.
func (d *demo) close() error {
	d.stop()
	var errs []error
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if d.server != nil {
		if err := d.server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
	}
	if d.listener != nil {
		_ = d.listener.Close() // still open if serve was never called
	}
	for _, s := range d.services {
		errs = append(errs, s.auth.Close())
	}
	if d.provider != nil {
		errs = append(errs, d.provider.Close())
	}
	return errors.Join(errs...)
}
