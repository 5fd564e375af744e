package oidctest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A code expires without waiting.
func ExampleProvider_Advance() {
	idp, err := oidctest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer idp.Close() //nolint:errcheck // it always returns nil
	login := idp.URL(oidctest.Authorization) + "?client_id=app&response_type=code&scope=openid&redirect_uri=http://localhost/callback"
	back, err := idp.Approve(login, "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	idp.Advance(time.Hour)
	answer, err := http.PostForm(idp.URL(oidctest.Token), url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {"http://localhost/callback"},
		"client_id": {oidctest.ConfidentialClient}, "client_secret": {oidctest.ClientSecret},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, strings.Contains(string(body), "invalid_grant"), err)
	// Output: 400 true <nil>
}

// The provider signs with a new key; the service fetches it when a token needs it. Tokens of the old key stay valid until
// the provider drops it.
func ExampleProvider_RotateKey() {
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
	guard := auth.Required()
	admitted := func(bearer string) bool {
		return guard.Admit(context.Background(), core.Credentials{Header: http.Header{"Authorization": {bearer}}}).Refusal == nil
	}
	old := idp.Bearer("alice")
	fmt.Println(admitted(old))
	if err := idp.RotateKey("ES256"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(admitted(idp.Bearer("alice")), admitted(old), idp.Hits(oidctest.JWKS))
	// Output:
	// true
	// true true 2
}

// The provider fails once, then works again.
func ExampleProvider_Fault() {
	idp, err := oidctest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer idp.Close() //nolint:errcheck // it always returns nil
	idp.Fault(oidctest.JWKS, oidctest.Times(1, oidctest.Status(http.StatusBadGateway)))
	auth, err := core.New(idp.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready:", auth.Ready(context.Background()) == nil)
	fmt.Println("ready:", auth.Ready(context.Background()) == nil)
	// Output:
	// ready: false
	// ready: true
}

// The provider sends a token for another service, which the guard refuses.
func ExampleProvider_Tamper() {
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
	idp.Tamper(oidctest.AccessTokens, func(claims oidctest.Claims) { claims["aud"] = "another service" })
	request := core.Credentials{Header: http.Header{"Authorization": {idp.Bearer("alice")}}}
	fmt.Println(auth.Required().Admit(context.Background(), request).Err.Unwrap())
	// Output: token not accepted: wrong audience
}

// A program on a machine without a browser starts a login, and its user types the code into the provider's page.
func ExampleProvider_ApproveDevice() {
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
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		fmt.Println(err)
		return
	}
	post := func(name string, form url.Values) *core.Response {
		i := slices.IndexFunc(routes, func(route core.Route) bool { return route.Name == name })
		return routes[i].Serve(context.Background(), &core.Request{Method: "POST", Target: routes[i].Path, Form: form})
	}
	var start core.DeviceStart
	if err := json.Unmarshal(post("device", nil).Body, &start); err != nil {
		fmt.Println(err)
		return
	}
	poll := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {start.DeviceCode}}
	fmt.Println(post("token", poll).Status)
	fmt.Println(idp.ApproveDevice(start.UserCode, "alice"))
	idp.Advance(5 * time.Second) // the interval between two polls
	fmt.Println(post("token", poll).Status)
	// Output:
	// 400
	// <nil>
	// 200
}

// A user with claims of your own.
func ExampleProvider_AddUser() {
	idp, err := oidctest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer idp.Close() //nolint:errcheck // it always returns nil
	idp.AddUser(oidctest.User{Name: "zoe", Claims: oidctest.Claims{"sub": "4711", "groups": []string{"admins"}}})
	auth, err := core.New(idp.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	request := core.Credentials{Header: http.Header{"Authorization": {idp.Bearer("zoe")}}}
	caller := auth.Required(core.Roles("admins")).Admit(context.Background(), request).Caller
	fmt.Println(caller.Subject(), caller.Roles())
	// Output: 4711 [admins]
}
