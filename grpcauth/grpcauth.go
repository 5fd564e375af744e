package grpcauth

import (
	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] with interceptors for gRPC servers. Its guards, Required and Optional, are those of core.Auth. Safe for
// concurrent use.
type Auth struct{ *core.Auth }

// New checks the configuration and returns an Auth. Its error lists every invalid field and its fix; see [core.New]. Call Close at the end
// of the program.
func New(cfg core.Config) (*Auth, error) {
	auth, err := core.New(cfg)
	if err != nil {
		return nil, err
	}
	return Wrap(auth), nil
}

// Wrap returns an Auth for an existing [core.Auth], so that a gRPC server and the routes of another adapter can share its sessions and
// caches.
func Wrap(auth *core.Auth) *Auth { return &Auth{auth} }

// Interceptors checks the rules and returns the interceptors that apply them. Its error lists every invalid rule and its fix. Later
// changes of the maps and lists have no effect.
func (a *Auth) Interceptors(rules Rules) (*Interceptors, error) {
	checked, err := rules.checked()
	if err != nil {
		return nil, err
	}
	return &Interceptors{rules: checked}, nil
}
