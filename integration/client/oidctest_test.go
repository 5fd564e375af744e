package client

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
)

// A certified relying party accepts the provider of oidctest, with each algorithm, at the root or under a path, with access tokens
// that are JWTs or not.
func TestProviderJudged(t *testing.T) {
	for algorithm, option := range map[string]oidctest.Option{
		"RS256": oidctest.WithKeyID("first"), "ES256": oidctest.WithPath("/realms/demo"), "EdDSA": oidctest.WithOpaqueTokens(),
	} {
		t.Run(algorithm, func(t *testing.T) {
			idp := oidctest.NewProvider(t, oidctest.WithAlgorithm(algorithm), option, oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second}))
			checks := compat.New(t, openIDClient, openIDClientVersion(t), "core/oidctest", "")
			judged(t, checks, "rp-provider.mjs", map[string]string{
				"RP_ISSUER": idp.Issuer(), "RP_ALG": algorithm, "RP_CLIENT": oidctest.ConfidentialClient, "RP_SECRET": oidctest.ClientSecret,
				"RP_PUBLIC":  oidctest.PublicClient,
				"RP_CONTROL": controls(t, map[string]func(){"advance": func() { idp.Advance(time.Hour) }}),
			})
		})
	}
}
