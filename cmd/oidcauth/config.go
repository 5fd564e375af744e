package main

import (
	"flag"
	"io"
	"log/slog"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
)

// settings are the flags that make a configuration. Secrets have none: other users of a machine can see arguments.
type settings struct {
	discovery, client, public, issuer, jwks string
	audience                                list
	roles, scopes                           words
	allowHTTP, allClients                   bool
}

// define adds the flags that every command with a configuration has.
func (c *settings) define(flags *flag.FlagSet, env func(string) string) {
	flags.StringVar(&c.discovery, "discovery-url", env("DISCOVERY_URL"), "Config.DiscoveryURL")
	flags.StringVar(&c.client, "client-id", env("CLIENT_ID"), "Config.ClientID")
	flags.StringVar(&c.public, "public-url", env("PUBLIC_URL"), "Config.PublicURL")
	flags.StringVar(&c.issuer, "issuer", "", "Config.Issuer; with -jwks-url no discovery is needed")
	flags.StringVar(&c.jwks, "jwks-url", "", "Config.JWKSURL")
	flags.Var(&c.audience, "audience", "an entry of Config.Audience; may be repeated: \"*\" is core.AnyAudience, \"*issued-to-us\" core.IssuedToUs")
	flags.BoolVar(&c.allowHTTP, "allow-http", false, "Config.AllowHTTP")
	flags.BoolVar(&c.allClients, "roles-of-all-clients", false, "Config.RolesOfAllClients")
	flags.Var(&c.scopes, "require-scope", "a scope that Config.Require demands; may be repeated")
	flags.Var(&c.roles, "require-role", "a role that Config.Require demands; may be repeated")
}

// config returns the configuration of flags and environment.
func (c *settings) config(s streams) core.Config {
	cfg := core.Config{
		DiscoveryURL: c.discovery, ClientID: c.client, ClientSecret: s.env("CLIENT_SECRET"), PublicURL: c.public,
		Issuer: c.issuer, JWKSURL: c.jwks, Audience: c.audience, AllowHTTP: c.allowHTTP, RolesOfAllClients: c.allClients,
		StoreURL: s.env("STORE_URL"), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), // the findings say it better
	}
	if key := s.env("SECRET_KEY"); key != "" {
		cfg.SecretKeys = []string{key}
	}
	if len(c.scopes) > 0 {
		cfg.Require = append(cfg.Require, core.Scopes(c.scopes...))
	}
	if len(c.roles) > 0 {
		cfg.Require = append(cfg.Require, core.Roles(c.roles...))
	}
	return cfg
}

// faults returns the faults of a configuration that New refuses, one text each.
func faults(err error) (texts []string) {
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		texts = append(texts, strings.TrimPrefix(err.Error(), "core: "))
	}
	return texts
}
