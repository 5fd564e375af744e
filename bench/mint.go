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
	r.section("Minting", fmt.Sprintf("A token exchange at the token route without the verification of the subject's token, which was measured "+
		"beside it; the bare\nsignature is that of the standard library over the %d bytes that a minted token signs. Own tokens are RS256 alone.", len(signed)))
	r.table([]string{"", "x the bare signature"}, [][]string{
		{"exchange", exchange.over(signature).String()}, {"verification of its subject", verification.over(signature).String()}, {"what is left: minting", cost.String()},
	})
	r.note("Minted in a second here, by one goroutine and with everything around it: about %.0f.", 1e9/spreadOf(exchange.times).mid)
	r.judge(8, "minting RS256 at most 1.05 x the bare signature", cost.String(), cost.mid <= 1.05)
	r.open(8, "minting ES256 and EdDSA at most 1.2 x", "own tokens are RS256 alone")
	return nil
}
