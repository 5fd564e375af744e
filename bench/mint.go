package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// minting writes the table about own tokens: goal 8.
func minting(ctx context.Context, r *report, e effort) error {
	k, err := newKey("RS256")
	if err != nil {
		return err
	}
	p := newProvider(k)
	s, err := newService(k, p, store.NewMemory())
	if err != nil {
		return err
	}
	defer func() { _ = s.auth.Close() }()
	passthrough, err := core.New(p.config(-1))
	if err != nil {
		return err
	}
	defer func() { _ = passthrough.Close() }()
	guard, good := passthrough.Required(), k.token(keycloak(nil))
	header := bearer(good)
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {good}}
	minted, err := s.ask(ctx, form)
	if err != nil {
		return err
	}
	signed := minted.AccessToken[:len(minted.AccessToken)-len(encode(make([]byte, 256)))-1]
	seen, err := compare([]subject{
		{"exchange", func() error { _, err := s.post(ctx, form); return err }},
		{"verification", func() error { return admitted(guard.Admit(ctx, header)) }},
		{"signature", func() error { k.signature(signed); return nil }},
	}, max(20, e.rounds/4), 10*time.Millisecond)
	if err != nil {
		return err
	}
	exchange, verification, signature := seen[0], seen[1], seen[2]
	rest := &measured{}
	for i, took := range exchange.times {
		rest.times = append(rest.times, took-verification.times[i])
	}
	cost := rest.over(signature)
	r.section("Minting", fmt.Sprintf("A token exchange at the token route, minus the verification of the subject token, which was measured separately. The bare signature is\n"+
		"that of the standard library over the %d signed bytes of an own token. Own tokens are always RS256.", len(signed)))
	r.table([]string{"", "x the bare signature"}, [][]string{
		{"exchange", exchange.over(signature).String()}, {"verification of the subject token", verification.over(signature).String()}, {"the rest: minting", cost.String()},
	})
	r.note("One goroutine does about %.0f exchanges per second here, everything included.", 1e9/spreadOf(exchange.times).mid)
	r.judge(8, "minting RS256 at most 1.05 x the bare signature", cost.String(), cost.mid <= 1.05)
	r.open(8, "minting ES256 and EdDSA at most 1.2 x", "own tokens are always RS256")
	return nil
}
