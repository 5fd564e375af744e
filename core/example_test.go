package core_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A service with only net/http: the routes, and one guarded handler.
func Example() {
	auth, err := core.New(core.Config{
		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration",
		ClientID:     "my-client",
		PublicURL:    "https://app.example.org/api",
		Logger:       slog.Default(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close() //nolint:errcheck // it always returns nil

	mux := http.NewServeMux()
	routes, err := auth.Routes(core.Paths{Prefix: "/api"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, route)
	}
	me := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, core.IDTokenFrom(r.Context()).Subject())
	})
	mux.Handle("GET /me", auth.Required(core.Scopes("profile")).Middleware(me))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/me", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 401 {"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"}
}
