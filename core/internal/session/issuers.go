package session

import (
	"context"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Issuers returns the rows of this service and of the trusted issuers. Revocations of trusted issuers are not known here.
func (b *Broker) Issuers() []*verify.Issuer {
	table := []*verify.Issuer{b.own}
	for issuer, keys := range b.peers {
		table = append(table, b.row(issuer, keys, fault.PeerKeys))
	}
	return table
}

func (b *Broker) row(id string, keys verify.Keys, down fault.Part) *verify.Issuer {
	return &verify.Issuer{
		ID: id, Keys: keys, Down: down, Algorithms: jose.OwnAlgorithms, NamedKeys: true,
		Audience: func(token *claims.Token, _ bool) bool { return slices.Contains(token.Audience, b.cfg.Audience) },
		Want:     []string{b.cfg.Audience}, Rules: b.cfg.Rules, New: b.cfg.New,
	}
}

// sessionOf returns the ID by which a token is revoked: its sid, or its jti if it has no sid, as tokens of the Python library.
func sessionOf(token *claims.Token) string {
	if sid := token.Text("sid"); sid != "" {
		return sid
	}
	return token.Text("jti") // Read checked its type
}

// name sets the IDs by which an own token is revoked: that of its session, and the one for all sessions of its person. Begun undoes the
// clockStep of mint.
func name(token *verify.Token) {
	token.Session = sessionOf(&token.Token)
	if issuer, subject := token.Text("idp_iss"), token.Text("idp_sub"); issuer != "" && subject != "" {
		seconds, _, _ := token.Object.Number("iat", false) // Read checked its type
		token.All, token.Begun = endName(OwnerOf(issuer, subject)), claims.Time(seconds).Add(clockStep).Unix()
	}
}

func (v *Vault) tokenEnded(ctx context.Context, token *verify.Token) (bool, error) {
	return v.hasEnded(ctx, token.Session, token.All, time.Unix(token.Begun, 0))
}

// newPeers makes the key source of each trusted issuer, by its exact identifier. Keys verify the tokens of their own issuer alone, and
// an outage of one issuer does not affect others. Keys are fetched when the first token of the issuer arrives.
func newPeers(cfg Config) map[string]*keyset.Keys[jose.Named] {
	peers := make(map[string]*keyset.Keys[jose.Named])
	policy := fresh.Policy{Renew: provider.KeyAge, Stale: provider.StaleAge, Pause: provider.RefetchPause, Timeout: cfg.Timeout + provider.Slack}
	for issuer, address := range cfg.Peers {
		load := func(ctx context.Context) (jose.Named, error) {
			return fetchPeerKeys(ctx, cfg.Upstreams.Main().Provider, address)
		}
		told := trouble.Changes(cfg.Log.With("issuer", issuer), "the keys of a trusted issuer", "fetched")
		source := fresh.New(policy, observe.Load(cfg.Observe, observe.TrustedKeys, load), told)
		peers[issuer] = keyset.New(source, cfg.Timeout+2*provider.Slack)
	}
	return peers
}

// rsaAlgorithm is that of RSA keys of trusted issuers without alg, as Python services may publish them.
const rsaAlgorithm = "RS256"

// fetchPeerKeys fetches the keys of a trusted issuer. It skips keys without a kid and those for algorithms that no broker signs with.
func fetchPeerKeys(ctx context.Context, p *provider.Provider, address string) (jose.Named, error) {
	answer, err := p.Document(ctx, address)
	if err != nil {
		return nil, err
	}
	set, err := jose.ParseSet(answer.Text, rsaAlgorithm)
	if err != nil {
		return nil, err
	}
	set = slices.DeleteFunc(set, func(key jose.Key) bool { return !slices.Contains(jose.OwnAlgorithms, key.Alg) || key.ID == "" })
	if len(set) == 0 {
		return nil, fetch.ErrNonsense
	}
	return jose.Named(set), nil
}
