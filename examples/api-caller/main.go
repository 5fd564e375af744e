// A service that calls an API with an access token of its own: the client credentials grant (RFC 6749 section 4.4).
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	client := newClient(clientcredentials.Config{
		ClientID:       os.Getenv("CLIENT_ID"), // of this service, not of the API
		ClientSecret:   os.Getenv("CLIENT_SECRET"),
		TokenURL:       os.Getenv("TOKEN_URL"), // token_endpoint in the provider's discovery document
		Scopes:         []string{"orders:import"},
		EndpointParams: url.Values{"audience": {"https://api.example.org"}}, // Auth0; others: resource, or nothing
	})
	answer, err := send(client, os.Getenv("API_URL")+"/import")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// newClient returns a client that gets a token when it needs one, and uses it until it expires.
func newClient(cfg clientcredentials.Config) *http.Client {
	client := cfg.Client(context.Background())
	client.Timeout = 30 * time.Second
	return client
}

func send(client *http.Client, address string) (string, error) {
	answer, err := client.Post(address, "application/json", nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return string(body), err
}
