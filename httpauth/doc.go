// Package httpauth adds OpenID Connect to net/http: login, callback, token, device, logout, session and userinfo routes, and guards
// for handlers. It also works with every router that takes an [http.Handler].
//
// Guard handlers and parts of the tree, never the root mux: a guard in front of the auth routes locks everybody out of the
// login. Put CORS middleware before guards. [github.com/go-oidc-auth/oidcauth/core] documents the configuration.
package httpauth
