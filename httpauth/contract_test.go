package httpauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func TestContract(t *testing.T) {
	contract.Run(t, contract.Adapter{
		New: func(cfg core.Config) (contract.App, error) {
			auth, err := httpauth.New(cfg)
			if err != nil {
				return nil, err
			}
			return &app{place: newPlace(auth)}, nil
		},
	})
}

type app struct {
	place
	before http.Header
}

func (a *app) Auth() *core.Auth { return a.auth.Auth }

func (a *app) MountRoot() error { return a.auth.MountRoot(a.mux) }

func (a *app) Before(header http.Header) { a.before = header }

func (a *app) Serve(t testing.TB) string {
	return contract.ServeHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range a.before {
			w.Header()[name] = values
		}
		a.mux.ServeHTTP(w, r)
	}))
}

// place is a mux: the root, or one under a stripped prefix.
type place struct {
	mux    *http.ServeMux
	auth   *httpauth.Auth
	groups map[string]place // a mux takes a prefix once
}

func newPlace(auth *httpauth.Auth) place {
	return place{http.NewServeMux(), auth, make(map[string]place)}
}

func (p place) Mount(paths core.Paths) error { return p.auth.Mount(p.mux, paths) }

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	under, exists := p.groups[prefix]
	if !exists {
		under = newPlace(p.auth)
		p.mux.Handle(prefix+"/", p.behind(guards, http.StripPrefix(prefix, under.mux)))
		p.groups[prefix] = under
	}
	return under
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	p.mux.Handle("GET "+path, p.behind(guards, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, handler(r.Context(), httpauth.IDToken(r)))
	})))
}

func (p place) Demand(path string, check func(context.Context) error, guards ...contract.Guard) {
	p.mux.Handle("GET "+path, p.behind(guards, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := check(r.Context()); err != nil {
			p.auth.Refuse(w, r, err)
			return
		}
		answer(w, []byte("{}"))
	})))
}

func (p place) Any(path string, handler contract.SessionHandler, guards ...contract.Guard) {
	p.mux.Handle(path, p.behind(guards, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, handler(r.Context(), httpauth.Session(r), httpauth.IDToken(r)))
	})))
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.mux.Handle("GET "+path, p.auth.Handle(typed(handler), requirements...))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.mux.Handle("GET "+path, p.auth.HandleOptional(typed(handler), requirements...))
}

func (p place) behind(guards []contract.Guard, handler http.Handler) http.Handler {
	middlewares := contract.Middlewares(guards, p.auth.Required, p.auth.Optional)
	for i := len(middlewares) - 1; i >= 0; i-- {
		handler = middlewares[i](handler)
	}
	return handler
}

func typed(handler contract.Handler) func(http.ResponseWriter, *http.Request, *core.IDToken) {
	return func(w http.ResponseWriter, r *http.Request, token *core.IDToken) {
		answer(w, handler(r.Context(), httpauth.IDToken(r), token))
	}
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may have left
}
