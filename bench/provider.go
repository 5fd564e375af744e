package main

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
)

// provider answers discovery, keys and token requests from memory, so that no network is measured.
type provider struct {
	discovery, keys, token string
}

func newProvider(keys ...*key) *provider {
	set := make([]any, len(keys))
	for i, k := range keys {
		set[i] = k.jwk()
	}
	return &provider{
		discovery: toJSON(claims{
			"issuer": issuer, "jwks_uri": issuer + "/keys", "token_endpoint": issuer + "/token", "authorization_endpoint": issuer + "/auth",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA"}, "response_types_supported": []string{"code"},
			"subject_types_supported": []string{"public"},
		}),
		keys: toJSON(claims{"keys": set}),
	}
}

// RoundTrip implements [http.RoundTripper].
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	body := ""
	switch strings.TrimPrefix(r.URL.String(), issuer) {
	case "/.well-known/openid-configuration":
		body = p.discovery
	case "/keys":
		body = p.keys
	case "/token":
		body = p.token
	default:
		return nil, errors.New("no such address")
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func (p *provider) client() *http.Client { return &http.Client{Transport: p} }

// config returns the configuration of a service with this provider that caches cacheSize tokens.
func (p *provider) config(cacheSize int) core.Config {
	return core.Config{
		DiscoveryURL: issuer + "/.well-known/openid-configuration", ClientID: clientID, ClientSecret: "none of the world's business",
		PublicURL: "https://app.example.org/api", SecretKeys: []string{"a key for benchmarks alone, of 32 bytes or more"},
		HTTPClient: p.client(), TokenCacheSize: cacheSize,
	}
}
