// Package core implements OpenID Connect for web services, independent of a web framework: guards that decide who may call a
// handler, and routes that log in people and devices at a provider. The adapters ginauth, echo5auth, echoauth, fiber3auth,
// fiberauth, chiauth and httpauth connect it to a framework, grpcauth to gRPC, and most programs start with one of them. With net/http, core
// also works on its own.
//
//	auth, err := core.New(core.Config{
//		DiscoveryURL: "https://idp.example.org/realms/demo/.well-known/openid-configuration",
//		ClientID:     "my-client",
//		ClientSecret: os.Getenv("CLIENT_SECRET"),
//		SecretKeys:   []string{os.Getenv("SECRET_KEY")},
//		PublicURL:    "https://app.example.org",
//		Logger:       slog.Default(),
//	})
//
// [New] checks the whole [Config] without any input or output; the provider is first called when a request needs it.
//
// # Who may call a handler
//
// [Auth.Required] and [Auth.Optional] make a [Guard]; [Guard.Middleware] puts it before a net/http handler. Every access decision
// is made by [Guard.Admit]. A handler reads its caller with [IDTokenFrom]: [IDToken.Subject], [IDToken.Roles], [IDToken.Claim],
// or [ClaimsAs] for a struct of your own.
//
// A guard takes requirements, and a caller must meet all of them:
//
//   - [Scopes]: scopes of the token
//   - [Roles], [AnyRole], [ClientRoles]: roles from the claims of Keycloak and other providers
//   - [Claim]: any claim, by its path and values
//   - [ACR], [MaxAge]: how, and how long ago, the person logged in (step-up, RFC 9470)
//   - [Check], [CheckRequest]: a function of yours, for the caller alone or with the request
//   - [AnyOf], [AllOf]: combinations
//
// [Config].Require adds requirements to every guard. [Guard.Rule] returns them as data; package core/openapi describes them for OpenAPI.
//
// # Who the callers are
//
// The configuration decides what a guard accepts:
//
//   - Programs that send an access token of the provider: always, unless broker mode is on.
//   - People with a browser, who log in once and get a cookie: with [Config].Sessions, see [SessionConfig].
//   - Programs with a token that this service has issued: in broker mode, with [Config].Broker, see [BrokerConfig].
//
// Sessions and broker mode need a database: import a package of brokerstore and set [Config].StoreURL.
//
// # Logins
//
// [Auth.Routes] returns the route table, whose paths are in [Paths]: each [Route] turns a [Request] into a [Response], and is an
// [http.Handler]. At /auth/v2/login a browser starts; at the provider, register PublicURL followed by /auth/v2/callback as a
// redirect URI. Command-line tools log in through the same routes, with a browser on the same machine or with a code that the
// user types.
//
// [Auth.RootRoutes] has the metadata of [Config].Resources, with which clients find out where to get a token.
//
// # After a login
//
// [Auth.AccessToken] returns the provider's token for calls to other services in the caller's name. [UntilEnded] ends a stream
// with its session. [Auth.SessionsOf], [Auth.EndSession] and [Auth.EndSessions] show and end the sessions of a person.
//
// # In operation
//
// Set [Config].Logger: each change of state is logged with what to correct, and at level debug, why a token was refused.
// [Auth.Doctor] examines the configuration, the provider and the store, and says what to correct. [Auth.Ready] is for readiness
// probes, [Config].Observe for metrics and traces. [Auth.Close] stops the background work.
//
// # Tests
//
// Package core/oidctest has a whole provider for tests of your application, and callers and sessions in one line each.
//
// # Trust
//
// No input is trusted: requests and the provider's answers are limited in size and time and parsed strictly. Answers and logs
// contain fixed texts only, never a token, code, secret or text of the provider.
//
// # Concurrency
//
// Every type and function of this package is safe for concurrent use, unless its comment says otherwise.
package core
