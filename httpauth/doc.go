// Package httpauth brings OpenID Connect to net/http: login, callback, token, device, logout and userinfo routes, and guards
// for handlers. It also serves every router that takes an [http.Handler].
//
// Guard handlers and parts of the tree, never the root mux: a guard before the auth routes locks out everybody who wants to log
// in. CORS middleware stands before guards. [github.com/go-oidc-auth/oidcauth/core] documents the configuration.
package httpauth
