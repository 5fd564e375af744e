package core_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// startProvider starts the test provider, with the users alice (role admin), bob and carol.
func startProvider() *oidctest.Provider {
	idp, err := oidctest.Start(oidctest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	return idp
}

// newAuth is core.New for a configuration that is known to be valid.
func newAuth(cfg core.Config) *core.Auth {
	auth, err := core.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return auth
}

// newMux mounts the routes of auth.
func newMux(auth *core.Auth) *http.ServeMux {
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, route)
	}
	return mux
}

// greet answers with the caller's user name.
var greet http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) {
	caller := core.IDTokenFrom(r.Context())
	if caller.IsGuest() {
		_, _ = fmt.Fprint(w, "hello guest")
		return
	}
	_, _ = fmt.Fprint(w, "hello ", caller.Username())
}

// show sends a GET request and prints the status and the body, of a refusal its detail. authorization is the header, "" for none.
func show(handler http.Handler, path, authorization string) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	showAnswer(handler, request)
}

// showAs sends a GET request with the cookie of a session, as a script of the application's own page does, and prints the same.
func showAs(handler http.Handler, path string, session *http.Cookie) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.AddCookie(session)
	showAnswer(handler, request)
}

func showAnswer(handler http.Handler, request *http.Request) {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	body := answer.Body.String()
	var refusal struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(answer.Body.Bytes(), &refusal) == nil && refusal.Detail != "" {
		body = refusal.Detail
	}
	fmt.Println(answer.Code, body)
}
