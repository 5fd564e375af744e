package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// mostMinting is the goal for each algorithm: minting, x the bare signature.
var mostMinting = map[string]float64{"RS256": 1.05, "ES256": 1.2, "EdDSA": 1.2}

// algorithms are those of own tokens.
var algorithms = []string{"RS256", "ES256", "EdDSA"}

// leastEdDSA is how many times the tokens of RS256 a service mints with EdDSA, at least.
const leastEdDSA = 8

// minter mints own tokens with one algorithm.
type minter struct {
	*service
	key    *key // of the bare signature
	form   url.Values
	signed string // the signed part of a token
}

// minting writes the table about own tokens: goal 8.
func minting(ctx context.Context, r *report, e effort) error {
	k, err := newKey("RS256")
	if err != nil {
		return err
	}
	p, good := newProvider(k), k.token(keycloak(nil))
	var minters []minter
	defer func() {
		for _, m := range minters {
			_ = m.auth.Close()
		}
	}()
	for _, algorithm := range algorithms {
		m, err := newMinter(ctx, k, p, good, algorithm)
		if err != nil {
			return fmt.Errorf("%s: %w", algorithm, err)
		}
		minters = append(minters, m)
	}
	verification, done, err := verifying(p, good)
	if err != nil {
		return err
	}
	defer done()
	subjects := []subject{{"verification", verification}}
	for _, m := range minters {
		subjects = append(subjects,
			subject{m.key.alg + " exchange", func() error { _, err := m.post(ctx, m.form); return err }},
			subject{m.key.alg + " signature", func() error { m.key.signature(m.signed); return nil }})
	}
	seen, err := compare(subjects, max(20, e.rounds/4), 10*time.Millisecond)
	if err != nil {
		return err
	}
	tellMinting(r, minters, seen)
	return nil
}

func goalOfMinting(algorithm string) string {
	return fmt.Sprintf("minting with %s at most %.2f x the bare signature", algorithm, mostMinting[algorithm])
}

// verifying returns the verification of a token that no cache has.
func verifying(p *provider, token string) (func() error, func(), error) {
	auth, err := core.New(p.config(-1))
	if err != nil {
		return nil, nil, err
	}
	guard, header := auth.Required(), bearer(token)
	return func() error { return admitted(guard.Admit(context.Background(), header)) }, func() { _ = auth.Close() }, nil
}

// newMinter makes a service that exchanges a token of the provider.
func newMinter(ctx context.Context, k *key, p *provider, good, algorithm string) (minter, error) {
	own, err := newKey(algorithm)
	if err != nil {
		return minter{}, err
	}
	s, err := newService(k, p, store.NewMemory(), algorithm)
	if err != nil {
		return minter{}, err
	}
	m := minter{service: s, key: own, form: url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {good},
	}}
	minted, err := s.ask(ctx, m.form)
	if err != nil {
		return minter{}, errors.Join(err, s.auth.Close())
	}
	m.signed = minted.AccessToken[:strings.LastIndexByte(minted.AccessToken, '.')]
	return m, nil
}

// tellMinting writes the table. seen has the verification, and then an exchange and a signature for each algorithm.
func tellMinting(r *report, minters []minter, seen []*measured) {
	r.section("Minting", "A token exchange at the token route, minus the verification of its subject token (RS256), which is measured in the same rounds: that is minting, with\n"+
		"form, claims and answer. The bare signature is that of the standard library over the signed part of the same own token. Per second: exchanges of one\n"+
		"goroutine, everything included.")
	var rows [][]string
	var rs256 *measured
	for i, m := range minters {
		exchange, signature, minted := seen[1+2*i], seen[2+2*i], new(measured)
		for round, took := range exchange.times {
			minted.times = append(minted.times, took-seen[0].times[round])
		}
		cost, beside := minted.over(signature), minted.more(signature)
		rows = append(rows, []string{m.key.alg, fmt.Sprint(len(m.signed)), micro(spreadOf(signature.times)), cost.String(), micro(beside), perSecond(exchange)})
		most := mostMinting[m.key.alg]
		r.judge(8, goalOfMinting(m.key.alg), cost.String(), cost.mid <= most)
		r.brief.tell(rankMint, "%s %.2f x its signature, %s per second and core", m.key.alg, cost.mid, perSecond(exchange))
		switch m.key.alg {
		case "RS256":
			rs256 = exchange
		case "EdDSA":
			gain := rs256.over(exchange)
			r.judge(8, goalOfEdDSA, gain.String(), gain.mid >= leastEdDSA)
		}
	}
	r.note("The verification takes %s µs.", micro(spreadOf(seen[0].times)))
	r.table([]string{"", "bytes signed", "signature, µs", "minting, x the signature", "beside the signature, µs", "per second"}, rows)
}

var goalOfEdDSA = fmt.Sprintf("tokens minted with EdDSA in a second at least %d x those with RS256", leastEdDSA)
