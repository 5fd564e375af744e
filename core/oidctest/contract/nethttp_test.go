package contract_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
)

// TestNetHTTP runs the suite on the core with net/http alone: what the adapters are measured by.
func TestNetHTTP(t *testing.T) {
	contract.Run(t, contract.Adapter{New: func(cfg core.Config) (contract.App, error) {
		auth, err := core.New(cfg)
		if err != nil {
			return nil, err
		}
		return &app{place: place{mux: http.NewServeMux(), auth: auth}}, nil
	}})
}

type app struct {
	place
	before http.Header
}

func (a *app) Auth() *core.Auth          { return a.auth }
func (a *app) Before(header http.Header) { a.before = header }

func (a *app) Serve(t testing.TB) string {
	return contract.ServeHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range a.before {
			w.Header()[name] = values
		}
		a.mux.ServeHTTP(w, r)
	}))
}

// place is the application or a group: a prefix and the guards before it.
type place struct {
	mux    *http.ServeMux
	auth   *core.Auth
	prefix string
	guards []contract.Guard
}

func (p place) Mount(paths core.Paths) error {
	routes, err := p.auth.Routes(paths)
	for _, route := range routes {
		p.mux.Handle(route.Method+" "+p.prefix+route.Path, p.guarded(route, nil))
	}
	return err
}

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	return place{p.mux, p.auth, p.prefix + prefix, append(append([]contract.Guard(nil), p.guards...), guards...)}
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	p.mux.Handle("GET "+p.prefix+path, p.guarded(show(handler, false), guards))
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.mux.Handle("GET "+p.prefix+path, p.guarded(show(handler, true), []contract.Guard{contract.Required(requirements...)}))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.mux.Handle("GET "+p.prefix+path, p.guarded(show(handler, true), []contract.Guard{contract.Optional(requirements...)}))
}

func (p place) guarded(handler http.Handler, guards []contract.Guard) http.Handler {
	all := append(append([]contract.Guard(nil), p.guards...), guards...)
	for i := len(all) - 1; i >= 0; i-- {
		guard := p.auth.Required(all[i].Requirements...)
		if all[i].Optional {
			guard = p.auth.Optional(all[i].Requirements...)
		}
		handler = p.behind(guard, handler)
	}
	return handler
}

func (p place) behind(guard *core.Guard, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := guard.Admit(r.Context(), r.Header.Values("Authorization"))
		if err != nil {
			p.auth.ErrorResponse(r.Context(), err).WriteTo(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(core.WithIDToken(r.Context(), token)))
	})
}

func show(handler contract.Handler, typed bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(call(r.Context(), handler, typed))
	})
}

func call(ctx context.Context, handler contract.Handler, typed bool) []byte {
	given := []*core.IDToken{core.IDTokenFrom(ctx)}
	if typed {
		given = append(given, given[0])
	}
	return handler(ctx, given...)
}
