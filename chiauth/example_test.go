package chiauth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
)

// The routes under a prefix, a handler that takes the caller as an argument, and a group behind a guard.
func Example() {
	auth, err := chiauth.New(core.Config{
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

	r := chi.NewRouter()
	if err := auth.Mount(r, core.Paths{Prefix: "/api"}); err != nil {
		fmt.Println(err)
		return
	}
	r.Get("/me", auth.Handle(func(w http.ResponseWriter, _ *http.Request, token *core.IDToken) {
		_, _ = fmt.Fprintln(w, token.Subject())
	}))
	r.Route("/admin", func(admin chi.Router) {
		admin.Use(auth.Required(core.Scopes("admin"), core.Claim("groups", "admins")))
		admin.Get("/users", func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintln(w, "hello", chiauth.IDToken(r).Name())
		})
	})

	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/admin/users", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 401 {"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"}
}
