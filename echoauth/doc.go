// Package echoauth adds OpenID Connect to echo (v4): login, callback, token, device, logout, session and userinfo routes, and guards
// for handlers.
//
// Guard routes and groups, never the Echo itself: a guard in front of the auth routes locks everybody out of the
// login. Put CORS middleware before guards. [github.com/go-oidc-auth/oidcauth/core] documents the configuration.
package echoauth
