// Package grpcauth guards the methods of a gRPC server with OpenID Connect.
//
//	auth, err := grpcauth.New(core.Config{
//		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration",
//		ClientID:     "my-client",
//		ClientSecret: os.Getenv("CLIENT_SECRET"),
//		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
//		PublicURL:    "https://app.example.org",
//		Logger:       slog.Default(),
//	})
//	guards, err := auth.Interceptors(grpcauth.Rules{
//		Methods: map[string]*core.Guard{"/shop.Orders/Delete": auth.Required(core.Roles("admin"))},
//		Open:    []string{grpcauth.Health},
//		Default: auth.Required(),
//	})
//	server := grpc.NewServer(guards.ServerOptions()...)
//	pb.RegisterOrdersServer(server, orders)
//	err = guards.Check(server)
//
// [Rules] says which guard decides about which method; a method without a rule is refused. [Interceptors.Check] finds those before the server
// serves. Guards take requirements of package core: core.Scopes, core.Roles, core.Claim, core.Check and others. Handlers find their caller
// with core.IDTokenFrom(ctx).
//
// Callers send an access token of the provider, in broker mode one of this service, in the metadata: "authorization", with "Bearer" and the
// token. Cookies count nowhere.
//
// # Refusals
//
// The code of a refusal is Unauthenticated for a missing or invalid token, PermissionDenied for a requirement that is not met and for a method without a
// rule, InvalidArgument for several values of authorization, Unavailable during an outage, and Internal if a function of the application
// panicked. Its message is a fixed text. Its details are a google.rpc.ErrorInfo with the [Domain], a reason such as INVALID_TOKEN or [ReasonOutage],
// and the metadata [MetadataError] and [MetadataChallenge]; during an outage also a google.rpc.RetryInfo.
//
// # Streams
//
// A stream ends when the token of its caller expires or is revoked, and when the Auth is closed: see [Interceptors.Stream]. Handlers have to return when
// the context of the stream ends, or a call of the stream returns an error.
//
// # Logins
//
// Logins, and all other routes of core, are HTTP: serve those of core.Auth.Routes beside the gRPC server, or share the Auth of another adapter
// with [Wrap].
//
// Package [github.com/go-oidc-auth/oidcauth/core] documents the configuration, the requirements and the caller, and
// [github.com/go-oidc-auth/oidcauth/core/oidctest] how to test an application. [Auth] has all methods of core.Auth.
package grpcauth
