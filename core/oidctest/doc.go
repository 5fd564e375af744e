// Package oidctest provides an OpenID provider for tests and demos of this library and of applications that use it.
//
// One line starts a provider, and one more makes the token of a signed-in user:
//
//	idp := oidctest.NewProvider(t)
//	auth, err := core.New(idp.Config())
//	request.Header.Set("Authorization", idp.Bearer("alice", oidctest.Claims{"scope": "admin"}))
//
// For a service with core.Config.Sessions, one line logs a browser in and returns its session cookie:
//
//	request.AddCookie(idp.Session(auth, "alice"))
//
// To test a handler without its guard, no provider is needed:
//
//	ctx := core.WithIDToken(ctx, oidctest.IDToken(oidctest.Claims{"sub": "alice"}))
//
// For the routes of an application, [Access] reports who may call each, and names those without a guard.
//
// The provider implements discovery, a login page, the authorization code flow with PKCE, refresh tokens with rotation and reuse
// detection, the device flow with its page, userinfo, introspection, revocation, logout, and key rotation with the algorithms of
// [WithAlgorithm].
// [Provider.Approve] and [Provider.ApproveDevice] act as the user in the browser. [Provider.Advance] moves its clock,
// [Provider.Fault] makes endpoints fail, [Provider.Tamper] changes what it sends, and [Provider.Last] and [Provider.Hits]
// show the requests it got.
//
// With [WithSignedIntrospection] introspection answers are JWTs (RFC 9701).
//
// For a service with several providers, start as many as it has: [Provider.Entry] returns the settings of a further one.
//
// Like a real provider it keeps a session for each browser: after one login the browser is not asked again, prompt=none succeeds, and
// all logins of the browser have the same sid, until a logout or [Provider.EndSessions]. prompt=login, a max_age that has passed, and a
// login_hint or id_token_hint that names another user show the login page again. [Provider.Approve] acts in a new browser each time;
// [Provider.Browser] returns one that keeps its session. [WithACR] adds the claim acr, by the parameter acr_values; with [WithStrictACR] and
// [WithoutStepUp] the provider does not deliver what a step-up asks for (RFC 9470). If one browser of your test logs in as several users, without prompt=login and
// without a logout at the provider in between, use [WithoutSingleSignOn].
//
// A user may have a password, and [WithConsent] adds a page on which the user allows the scopes that the client requests. The aud claim of
// an access token is the client's ID, or Client.Audience. With [WithResources], clients can request it with the parameter resource (RFC 8707).
//
// With response_mode=form_post the provider posts its answer with a page that submits itself (OAuth 2.0 Form Post Response Mode).
// A client with Client.Targets gets access tokens for other services: with client credentials, and by exchange of a user's access token
// (RFC 8693).
//
// [WithoutNetwork] makes a provider that does not listen and answers in memory. It also works in a testing/synctest bubble.
//
// The authorization endpoint takes GET and POST (OpenID Connect Core section 3.1.2.1). The session cookie is SameSite=Lax: browsers do not send
// it with a POST of another site, nor in a frame there.
//
// The provider listens on loopback only, keeps everything in memory, at most 50,000 entries of each kind, and keeps passwords
// in clear text: use it for tests and demos only.
//
// The users are alice (realm role admin, group /staff/dev), bob and carol; the clients are [ConfidentialClient] with
// [ClientSecret], and [PublicClient]. For both, every http address on loopback whose path ends in /callback or /callback/NAME is
// registered.
package oidctest
