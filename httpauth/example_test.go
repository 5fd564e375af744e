package httpauth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

// The routes under a prefix, a handler that takes the caller as an argument, and a part of the tree behind a guard.
func Example() {
	auth, err := httpauth.New(core.Config{
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
	if err := auth.Mount(mux, core.Paths{Prefix: "/api"}); err != nil {
		fmt.Println(err)
		return
	}
	mux.Handle("GET /me", auth.Handle(func(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
		_, _ = fmt.Fprintln(w, token.Subject())
	}))
	admin := http.NewServeMux()
	admin.HandleFunc("GET /admin/users", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, "hello", httpauth.IDToken(r).Name())
	})
	mux.Handle("/admin/", auth.Required(core.Scopes("admin"), core.Claim("groups", "admins"))(admin))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/admin/users", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 401 {"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"}
}
