// Package echoauth brings OpenID Connect to echo (v4): login, callback, token, device, logout and userinfo routes, and guards
// for handlers.
//
// Guard routes and groups, never the Echo itself: a guard before the auth routes locks out everybody who wants to log
// in. CORS middleware stands before guards. [github.com/go-oidc-auth/oidcauth/core] documents the configuration.
package echoauth
