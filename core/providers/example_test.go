package providers_test

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/providers"
)

func Example() {
	auth, err := core.New(core.Config{
		Providers: []core.Provider{
			providers.Google("google-client", os.Getenv("GOOGLE_SECRET")),
			providers.Keycloak("https://sso.example.org", "staff", "app", os.Getenv("KEYCLOAK_SECRET")),
		},
		PublicURL:  "https://app.example.org",
		SecretKeys: []string{"the output of openssl rand -base64 48"},
		Logger:     slog.Default(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = auth.Close() }()
	fmt.Println("a service of two providers")
	// Output: a service of two providers
}
