package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
)

// verify is the whole check of an access token in broker mode. The issuer that the token names, which nobody has verified
// yet, chooses whose keys may verify it, and nothing else: the own ones or those of one trusted issuer.
func (b *tokenBroker) verify(ctx context.Context, raw string) (*IDToken, error) {
	token, err := jose.Parse(raw)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	if !isAccessType(token.Typ) || token.Alg != brokerAlgorithm || !token.HasKey {
		return nil, fault.New(fault.Token, ErrTokenKind)
	}
	issuer := token.UnverifiedIssuer()
	keys, key, err := b.key(ctx, issuer, token.Header)
	if err != nil {
		return nil, err
	}
	payload, claims, err := token.Verify(key)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	verified, err := read(claims, issuer, time.Now(), b.auth.cfg.Leeway)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	if !isAccessToken(token.Typ, claims) || !slices.Contains(verified.audience, b.cfg.Audience) {
		return nil, fault.New(fault.Token, ErrTokenKind)
	}
	verified.raw, verified.payload = token.Raw(), payload
	keys.Prove(&verified.proof, token.Header, key)
	if issuer == b.issuer {
		verified.session = sessionOf(verified)
	}
	return verified, nil
}

// keyHolder is the keys of one issuer, own or not.
type keyHolder interface {
	Find(context.Context, jose.Header) (jose.Key, error)
	Prove(*keyset.Proof, jose.Header, jose.Key)
}

func (b *tokenBroker) key(ctx context.Context, issuer string, token jose.Header) (keys keyHolder, key jose.Key, err error) {
	keys, part := keyHolder(b.keys), fault.Store
	if issuer != b.issuer {
		peer, trusted := b.peers[issuer]
		if !trusted {
			return nil, key, fault.New(fault.Token, keyset.ErrUnknownKey)
		}
		keys, part = peer, fault.PeerKeys
	}
	key, err = keys.Find(ctx, token)
	switch {
	case errors.Is(err, keyset.ErrUnknownKey):
		return nil, key, fault.New(fault.Token, err)
	case err != nil:
		return nil, key, fault.Down(part, err)
	}
	return keys, key, nil
}

// checkRevoked refuses own tokens of sessions that were ended. What trusted issuers revoke is known to them alone.
func (b *tokenBroker) checkRevoked(ctx context.Context, token *IDToken) error {
	if token.session == "" {
		return nil
	}
	revoked, err := b.feed.Has(ctx, token.session)
	if err != nil {
		return fault.Down(fault.Store, err)
	}
	if revoked {
		return fault.New(fault.Token, ErrRevoked)
	}
	return nil
}

// sessionOf names what a token can be revoked by: its session, or itself where it has none, as tokens of the Python
// library.
func sessionOf(token *IDToken) string {
	if sid, err := token.claims.String("sid"); err == nil && sid != "" {
		return sid
	}
	jti, _ := token.claims.String("jti") // read checked its type
	return jti
}
