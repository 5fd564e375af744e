// Package core is OpenID Connect for web services without a web framework: guards that decide who may call a handler,
// and routes that log people and devices in at a provider. The adapters ginauth, echoauth, fiberauth, chiauth and httpauth put it
// into a framework's words; with net/http alone it can be used as it is.
//
//	auth, err := core.New(core.Config{
//		DiscoveryURL: "https://idp.example.org/realms/demo/.well-known/openid-configuration",
//		ClientID:     "my-client",
//		ClientSecret: os.Getenv("CLIENT_SECRET"),
//		PublicURL:    "https://app.example.org/api",
//	})
//
// [New] checks the whole [Config] and does no input or output; the provider is asked when a request needs it.
// [Auth.Required] and [Auth.Optional] make a [Guard], whose [Guard.Admit] is the only access decision there is.
// [Auth.Routes] is the route table: each [Route] takes a [Request] and gives a [Response], and is an [http.Handler].
//
// # What is trusted
//
// Nothing that comes in: every byte of a request and of the provider is bounded in size and time and read strictly.
// Answers and logs hold fixed texts; no token, code, secret or provider text is in them.
//
// # Concurrency
//
// Every type and function of this package is safe for concurrent use, unless its comment says otherwise.
package core
