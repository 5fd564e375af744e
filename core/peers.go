package core

import (
	"context"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// newPeers makes the keys of each trusted issuer, found by the issuer's exact text: they verify its tokens and nobody
// else's, and what goes wrong with it stays with it. Nothing is fetched before the first token of that issuer comes.
func newPeers(a *Auth) map[string]*keyset.Keys[jose.Set] {
	peers := make(map[string]*keyset.Keys[jose.Set])
	policy := fresh.Policy{Renew: provider.KeyAge, Stale: provider.StaleAge, Pause: provider.RefetchPause, Timeout: a.cfg.Timeout + provider.Slack}
	for _, issuer := range a.cfg.Broker.TrustedIssuers {
		address := strings.TrimSuffix(issuer, "/") + a.cfg.Broker.PeerJWKSPath
		load := func(ctx context.Context) (jose.Set, error) { return peerKeys(ctx, a.provider, address) }
		source := fresh.New(policy, observe.Load(a.metrics.fetches(), observe.TrustedKeys, load), trouble.Changes(a.log.With("issuer", issuer), "the keys of a trusted issuer", "fetched"))
		peers[issuer] = keyset.New(source, a.cfg.Timeout+2*provider.Slack)
	}
	return peers
}

// peerKeys fetches the keys of a trusted issuer: RSA with a name, what brokers sign with. Others are skipped.
func peerKeys(ctx context.Context, p *provider.Provider, address string) (jose.Set, error) {
	answer, err := p.Document(ctx, address)
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
