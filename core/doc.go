// Package core implements OpenID Connect for web services, independent of a web framework: guards that decide who may call
// a handler, and routes that log in people and devices at a provider. The adapters ginauth, echoauth, fiberauth, chiauth and
// httpauth connect it to a framework; with net/http it also works on its own.
//
//	auth, err := core.New(core.Config{
//		DiscoveryURL: "https://idp.example.org/realms/demo/.well-known/openid-configuration",
//		ClientID:     "my-client",
//		ClientSecret: os.Getenv("CLIENT_SECRET"),
//		PublicURL:    "https://app.example.org/api",
//	})
//
// [New] checks the whole [Config] without any input or output; the provider is first called when a request needs it.
// [Auth.Required] and [Auth.Optional] make a [Guard]; every access decision is made by [Guard.Admit].
// [Auth.Routes] returns the route table: each [Route] turns a [Request] into a [Response], and is an [http.Handler].
//
// # Trust
//
// No input is trusted: requests and the provider's answers are limited in size and time and parsed strictly. Answers and
// logs contain fixed texts only, never a token, code, secret or text of the provider.
//
// # Concurrency
//
// Every type and function of this package is safe for concurrent use, unless its comment says otherwise.
package core
