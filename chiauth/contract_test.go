package chiauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
)

func TestContract(t *testing.T) {
	contract.Run(t, contract.Adapter{
		New: func(cfg core.Config) (contract.App, error) {
			auth, err := chiauth.New(cfg)
			if err != nil {
				return nil, err
			}
			return &app{place{chi.NewRouter(), auth, make(map[string]chi.Router)}}, nil
		},
	})
}

type app struct{ place }

func (a *app) Auth() *core.Auth { return a.auth.Auth }

func (a *app) MountRoot() error { return a.auth.MountRoot(a.Router) }

func (a *app) Before(header http.Header) {
	a.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			next.ServeHTTP(w, r)
		})
	})
}

func (a *app) Serve(t testing.TB) string { return contract.ServeHTTP(t, a.Router) }

// place is a router: the root, or one under a prefix.
type place struct {
	chi.Router
	auth   *chiauth.Auth
	groups map[string]chi.Router // chi takes a prefix once
}

func (p place) Mount(paths core.Paths) error { return p.auth.Mount(p.Router, paths) }

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	under, exists := p.groups[prefix]
	if !exists {
		under = p.Route(prefix, func(under chi.Router) {
			under.Use(contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...)
		})
		p.groups[prefix] = under
	}
	return place{under, p.auth, make(map[string]chi.Router)}
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	p.With(contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...).Get(path, func(w http.ResponseWriter, r *http.Request) {
		answer(w, handler(r.Context(), chiauth.IDToken(r)))
	})
}

func (p place) Demand(path string, check func(context.Context) error, guards ...contract.Guard) {
	p.With(contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...).Get(path, func(w http.ResponseWriter, r *http.Request) {
		if err := check(r.Context()); err != nil {
			p.auth.Refuse(w, r, err)
			return
		}
		answer(w, []byte("{}"))
	})
}

func (p place) Any(path string, handler contract.SessionHandler, guards ...contract.Guard) {
	p.With(contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...).HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		answer(w, handler(r.Context(), chiauth.Session(r), chiauth.IDToken(r)))
	})
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.Method(http.MethodGet, path, p.auth.Handle(typed(handler), requirements...))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.Method(http.MethodGet, path, p.auth.HandleOptional(typed(handler), requirements...))
}

func typed(handler contract.Handler) func(http.ResponseWriter, *http.Request, *core.IDToken) {
	return func(w http.ResponseWriter, r *http.Request, token *core.IDToken) {
		answer(w, handler(r.Context(), chiauth.IDToken(r), token))
	}
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may have left
}
