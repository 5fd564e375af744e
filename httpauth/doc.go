// Package httpauth adds OpenID Connect to net/http: login, callback, token, device, logout, session and userinfo routes, and
// guards for handlers. It also works with every router that takes an [http.Handler].
//
//	auth, err := httpauth.New(core.Config{
//		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration",
//		ClientID:     "my-client",
//		ClientSecret: os.Getenv("CLIENT_SECRET"),
//		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
//		PublicURL:    "https://app.example.org",
//		Logger:       slog.Default(),
//	})
//	mux := http.NewServeMux()
//	mux.Handle("GET /me", auth.Handle(me)) // func me(w http.ResponseWriter, r *http.Request, caller *core.IDToken)
//	mux.Handle("/admin/", auth.Required(core.Roles("admin"))(admin)) // admin is a handler
//	err = auth.Mount(mux, core.Paths{})
//
// [Auth.Handle] guards one handler and passes it the caller, [Auth.HandleOptional] also admits guests. [Auth.Required] and
// [Auth.Optional] are middleware for a handler or a mux, and [IDToken] returns the caller there. All of them take requirements of
// package core: core.Scopes, core.Roles, core.Claim, core.Check and others. [Auth.Mount] registers the routes.
//
// Callers send an access token of the provider in the Authorization header, as "Bearer" and the token. With core.Config.Sessions, people
// also log in with a browser: a guarded page sends them to the login and back, and [Session] returns their session.
//
// Guard handlers and parts of the tree, never the root mux: a guard in front of the auth routes locks everybody out of the login.
// Put CORS middleware before guards.
//
// Package [github.com/go-oidc-auth/oidcauth/core] documents the configuration, the requirements and the caller, and
// [github.com/go-oidc-auth/oidcauth/core/oidctest] how to test an application. [Auth] has all methods of core.Auth.
package httpauth
