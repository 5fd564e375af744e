// Package oidctest is an OpenID provider for tests and demos: of this library, and of applications that use it.
//
// One line gives a provider, one line the token of a user who is signed in:
//
//	idp := oidctest.NewProvider(t)
//	auth, err := core.New(idp.Config())
//	request.Header.Set("Authorization", idp.Bearer("alice", oidctest.Claims{"scope": "admin"}))
//
// A handler needs no provider at all:
//
//	ctx := core.WithIDToken(ctx, oidctest.IDToken(oidctest.Claims{"sub": "alice"}))
//
// The provider is a real one: discovery, login page, code flow with PKCE, refresh tokens with rotation and reuse
// detection, the device flow with its page, userinfo, introspection, revocation, logout, keys of every kind and their
// rotation. [Provider.Approve] and [Provider.ApproveDevice] are the person at the browser. It has a clock that is set
// from outside ([Provider.Advance]), fails as told ([Provider.Fault]), says what it is told ([Provider.Tamper]), and
// tells what it was asked ([Provider.Last], [Provider.Hits]).
//
// [WithoutNetwork] makes one that listens nowhere and is asked in memory, also on the clock of a testing/synctest bubble.
//
// It listens on loopback only, keeps everything in memory, at most 10,000 entries of each kind, and asks for no
// password: it is no provider for anything but tests and demos.
//
// The users are alice (realm role admin, group /staff/dev), bob and carol; the clients are [ConfidentialClient] with
// [ClientSecret], and [PublicClient]. For both, every http address on loopback whose path ends in /callback is
// registered.
package oidctest
