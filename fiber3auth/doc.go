// Package fiber3auth adds OpenID Connect to fiber (v3): login, callback, token, device, logout, session and userinfo routes, and
// guards for handlers.
//
//	auth, err := fiber3auth.New(core.Config{
//		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration",
//		ClientID:     "my-client",
//		ClientSecret: os.Getenv("CLIENT_SECRET"),
//		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
//		PublicURL:    "https://app.example.org",
//		Logger:       slog.Default(),
//	})
//	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}) // the default refuses tokens over 4 KB
//	app.Get("/me", auth.Handle(me)) // func me(c fiber.Ctx, caller *core.IDToken) error
//	admin := app.Group("/admin", auth.Required(core.Roles("admin")))
//	err = auth.Mount(app, core.Paths{})
//
// [Auth.Handle] guards one handler and passes it the caller, [Auth.HandleOptional] also admits guests. [Auth.Required] and
// [Auth.Optional] are middleware for a group, where [IDToken] returns the caller. All of them take requirements of package core:
// core.Scopes, core.Roles, core.Claim, core.Check and others. [Auth.Mount] registers the routes.
//
// [core.IDTokenFrom] finds the caller in c.Context(), in c itself, and in the context of a net/http handler behind a guard.
//
// Callers send an access token of the provider in the Authorization header, as "Bearer" and the token. With core.Config.Sessions, people
// also log in with a browser: a guarded page sends them to the login and back, and [Session] returns their session.
//
// Guard routes and groups, never the app itself: a guard in front of the auth routes locks everybody out of the login. Put CORS
// middleware before guards.
//
// Package [github.com/go-oidc-auth/oidcauth/core] documents the configuration, the requirements and the caller, and
// [github.com/go-oidc-auth/oidcauth/core/oidctest] how to test an application. [Auth] has all methods of core.Auth.
package fiber3auth
