package oidctest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Tests a handler without a provider: the context carries the caller.
func ExampleIDToken() {
	greet := func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "hello ", core.IDTokenFrom(r.Context()).Username())
	}
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	caller := oidctest.IDToken(oidctest.Claims{"preferred_username": "zoe"})
	answer := httptest.NewRecorder()
	greet(answer, request.WithContext(core.WithIDToken(request.Context(), caller)))
	fmt.Println(answer.Body)
	// Output: hello zoe
}

// Tests a whole application with its own provider. In a test, use NewProvider(t).
func ExampleProvider_Bearer() {
	idp, err := oidctest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer idp.Close() //nolint:errcheck // it always returns nil
	auth, err := core.New(idp.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	admins := auth.Required(core.Scopes("admin"))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", idp.Bearer("alice", oidctest.Claims{"scope": "admin"}))
	decision := admins.Admit(request.Context(), core.CredentialsOf(request))
	fmt.Println(decision.Caller.Username(), decision.Refusal == nil)
	// Output: alice true
}

// A browser keeps the provider's session: after the first login it is not asked again, so that prompt=none succeeds.
func ExampleProvider_Browser() {
	idp, err := oidctest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer idp.Close() //nolint:errcheck // it always returns nil
	login := idp.URL(oidctest.Authorization) + "?client_id=app&response_type=code&scope=openid&redirect_uri=http://localhost/callback"
	browser := idp.Browser()
	for _, prompt := range []string{"", "none"} {
		back, err := browser.Approve(login+"&prompt="+prompt, "alice")
		fmt.Println(err == nil && back.Query().Has("code"))
	}
	back, err := idp.Browser().Open(login + "&prompt=none") // another browser
	fmt.Println(err, back.Query().Get("error"))
	// Output:
	// true
	// true
	// <nil> login_required
}

// A provider without a network does not listen. In a testing/synctest bubble it uses the bubble's clock, so nothing waits.
func ExampleWithoutNetwork() {
	idp, err := oidctest.Start(oidctest.WithoutNetwork("https://idp.example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer idp.Close() //nolint:errcheck // it always returns nil
	idp.Fault(oidctest.JWKS, oidctest.Refused())
	auth, err := core.New(idp.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	request := core.Credentials{Header: http.Header{"Authorization": {idp.Bearer("alice")}}}
	fmt.Println("refused:", auth.Required().Admit(context.Background(), request).Refusal.Status)
	idp.Heal()
	decision := auth.Required().Admit(context.Background(), request)
	fmt.Println(decision.Caller.Username(), decision.Err == nil, idp.Hits(oidctest.JWKS))
	// Output:
	// refused: 503
	// alice true 2
}
