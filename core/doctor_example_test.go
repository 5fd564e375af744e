package core_test

import (
	"context"
	"fmt"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A program prints what is wrong and what is to be registered at the provider before it serves requests.
func ExampleAuth_Doctor() {
	provider, err := oidctest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer provider.Close()      //nolint:errcheck // it only ends the listener
	config := provider.Config() // in a program of your own: DiscoveryURL, ClientID, ClientSecret and SecretKeys
	config.ClientSecret = "that of another client"
	config.PublicURL = "https://app.example.org"
	auth, err := core.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close() //nolint:errcheck // it always returns nil
	if _, err := auth.Routes(core.Paths{}); err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range auth.Doctor(context.Background()) {
		if finding.Level == core.FindingWrong {
			fmt.Printf("%s: %s\n  %s\n", finding.Check, finding.Text, finding.Line)
		}
	}
	// Output:
	// client: The provider does not accept ClientID and ClientSecret: copy both again from its page of this client.
	//   ClientSecret: os.Getenv("CLIENT_SECRET"),
	// redirect URI: The provider answers a login with an error page (status 400): register this redirect URI for the client app, or correct Config.PublicURL or Config.ClientID.
	//   https://app.example.org/auth/v2/callback
}
