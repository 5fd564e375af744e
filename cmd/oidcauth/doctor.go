package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

const aboutDoctor = `doctor examines a configuration, the provider and the store: it says what is wrong, with the line to write or the address to register.
It reads the environment variables DISCOVERY_URL, CLIENT_ID, CLIENT_SECRET, PUBLIC_URL, SECRET_KEY and STORE_URL; flags override them.
The exit status is 1 if something is wrong.`

// doctor prints what is wrong with a configuration.
func doctor(ctx context.Context, args []string, s streams) error {
	var c settings
	var redirects, afterLogout, trusted list
	var scopes words
	var prefix, audience, algorithm string
	var sessions, broker, asJSON bool
	var timeout time.Duration
	flags := newFlags("doctor", aboutDoctor)
	c.define(flags, s.env)
	flags.StringVar(&prefix, "prefix", "", "Paths.Prefix: where the application mounts the routes, as /api")
	flags.BoolVar(&sessions, "sessions", false, "the application sets Config.Sessions")
	flags.BoolVar(&broker, "broker", false, "the application sets Config.Broker")
	flags.StringVar(&audience, "broker-audience", "", "Broker.Audience, with -broker")
	flags.StringVar(&algorithm, "signing-algorithm", "", "Broker.SigningAlgorithm, with -broker")
	flags.Var(&trusted, "trusted-issuer", "an entry of Broker.TrustedIssuers, with -broker; may be repeated")
	flags.Var(&scopes, "scope", "an entry of Config.Scopes; may be repeated")
	flags.Var(&redirects, "redirect-uri", "an entry of Config.RedirectURIs; may be repeated")
	flags.Var(&afterLogout, "post-logout-uri", "an entry of Config.PostLogoutURIs; may be repeated")
	flags.DurationVar(&timeout, "timeout", 0, "Config.Timeout; 0: 10 s")
	flags.BoolVar(&asJSON, "json", false, "print a JSON array of findings")
	if err := parse(flags, args, s.out); err != nil {
		return err
	}
	if !broker && (len(trusted) > 0 || audience != "" || algorithm != "") {
		return misused("-trusted-issuer, -broker-audience and -signing-algorithm are for -broker")
	}
	cfg := c.config(s)
	cfg.Scopes, cfg.RedirectURIs, cfg.PostLogoutURIs, cfg.Timeout = scopes, redirects, afterLogout, timeout
	if sessions {
		cfg.Sessions = new(core.SessionConfig)
	}
	if broker {
		cfg.Broker = &core.BrokerConfig{TrustedIssuers: trusted, Audience: audience, SigningAlgorithm: algorithm}
	}
	findings, err := examine(ctx, cfg, prefix)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(s.out, findings)
	} else {
		err = writeFindings(s.out, findings)
	}
	if err == nil && slices.ContainsFunc(findings, func(f core.Finding) bool { return f.Level == core.FindingWrong }) {
		err = errFound
	}
	return err
}

// examine returns the findings: the faults of the configuration if New refuses it, and otherwise those of [core.Auth.Doctor].
func examine(ctx context.Context, cfg core.Config, prefix string) ([]core.Finding, error) {
	auth, err := core.New(cfg) //nolint:contextcheck // New calls nobody
	if err != nil {
		var findings []core.Finding
		for _, text := range faults(err) {
			findings = append(findings, core.Finding{Check: "configuration", Level: core.FindingWrong, Text: text})
		}
		return findings, nil
	}
	defer func() { _ = auth.Close() }() // what it says of the store Doctor has found
	if _, err := auth.Routes(core.Paths{Prefix: prefix}); err != nil {
		return nil, misused("-prefix: %w", err)
	}
	return auth.Doctor(ctx), ctx.Err()
}

// writeFindings writes a line for each finding, and below it the line to write.
func writeFindings(w io.Writer, findings []core.Finding) error {
	var text strings.Builder
	count := map[core.Level]int{}
	for _, f := range findings {
		count[f.Level]++
		fmt.Fprintf(&text, "%-5s  %s: %s\n", f.Level, f.Check, printable(f.Text))
		for line := range strings.Lines(f.Line) {
			fmt.Fprintf(&text, "         → %s\n", printable(strings.TrimSuffix(line, "\n")))
		}
	}
	fmt.Fprintf(&text, "\n%d wrong, %d to note, %d ok\n", count[core.FindingWrong], count[core.FindingNote], count[core.FindingOK])
	_, err := io.WriteString(w, text.String())
	return err
}
