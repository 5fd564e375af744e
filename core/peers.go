package core

import (
	"context"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
)

// newPeers makes the keys of each trusted issuer, found by the issuer's exact text: they verify its tokens and nobody
// else's, and what goes wrong with it stays with it. Nothing is fetched before the first token of that issuer comes.
func newPeers(a *Auth) map[string]*keyset.Keys[jose.Set] {
	peers := make(map[string]*keyset.Keys[jose.Set])
	policy := fresh.Policy{Renew: keyAge, Stale: staleAge, Pause: refetchPause, Timeout: a.cfg.Timeout + slack}
	for _, issuer := range a.cfg.Broker.TrustedIssuers {
		address := strings.TrimSuffix(issuer, "/") + a.cfg.Broker.PeerJWKSPath
		load := func(ctx context.Context) (jose.Set, error) { return a.provider.peerKeys(ctx, address) }
		source := fresh.New(policy, counted(a.metrics, documentTrustedKeys, load), tellChanges(a.log.With("issuer", issuer), "the keys of a trusted issuer", "fetched"))
		peers[issuer] = keyset.New(source, a.cfg.Timeout+2*slack)
	}
	return peers
}

// peerKeys fetches the keys of a trusted issuer: RSA with a name, what brokers sign with. Others are skipped.
func (p *provider) peerKeys(ctx context.Context, address string) (jose.Set, error) {
	answer, err := p.document(ctx, address)
	if err != nil {
		return nil, err
	}
	set, err := jose.ParseSet(answer.Text, brokerAlgorithm)
	if err != nil {
		return nil, err
	}
	set = slices.DeleteFunc(set, func(key jose.Key) bool { return key.Alg != brokerAlgorithm || key.ID == "" })
	if len(set) == 0 {
		return nil, fetch.ErrNonsense
	}
	return set, nil
}
