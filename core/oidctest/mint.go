package oidctest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"strings"
	"time"
)

// Bearer returns "Bearer " and [Provider.AccessToken].
func (p *Provider) Bearer(user string, claims ...Claims) string {
	return "Bearer " + p.AccessToken(user, claims...)
}

// AccessToken returns a signed access token of a user for the client "app", with the scopes openid, profile and email.
// claims are added or put in place of the user's; a nil value takes one out. The provider's userinfo and introspection
// know the token.
func (p *Provider) AccessToken(user string, claims ...Claims) string {
	all := p.claimsOf(user)
	for _, more := range claims {
		maps.Copy(all, more)
	}
	login := &family{client: ConfidentialClient, grant: grant{user: user, scope: "openid profile email", authTime: p.clockNow().Unix()}}
	if scope, ok := all["scope"].(string); ok {
		login.grant.scope = scope
	}
	return p.accessToken(login, all)
}

func (p *Provider) clockNow() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

// accessToken makes an access token (RFC 9068 section 2.2) and remembers what it stands for. A claim of the user's
// stands in place of the usual one.
func (p *Provider) accessToken(login *family, user Claims) string {
	now := p.clockNow()
	expires := now.Add(p.set.life.AccessToken)
	claims := Claims{
		"iss": p.issuer, "aud": login.client, "azp": login.client, "client_id": login.client, "scope": login.grant.scope,
		"iat": now.Unix(), "exp": expires.Unix(), "jti": randomHex(8),
	}
	maps.Copy(claims, user)
	p.tamper(AccessTokens, claims)
	token := p.writeAccess(claims)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.access.put(token, &accessGrant{family: login, grant: login.grant, client: login.client, expires: expires, claims: claims})
	return token
}

func (p *Provider) writeAccess(claims Claims) string {
	switch {
	case p.set.opaque:
		return randomHex(24)
	case p.set.jwtType:
		return p.Sign("JWT", withoutNil(claims))
	default:
		return p.Sign("at+jwt", withoutNil(claims))
	}
}

func withoutNil(claims Claims) Claims {
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// idToken is OpenID Connect Core section 2, with at_hash (section 3.1.3.6).
func (p *Provider) idToken(login *family, user Claims, access, nonce string) string {
	now := p.clockNow()
	signer := p.signer()
	claims := Claims{
		"iss": p.issuer, "aud": login.client, "azp": login.client, "iat": now.Unix(), "exp": now.Add(p.set.life.IDToken).Unix(),
		"auth_time": login.grant.authTime, "at_hash": leftHalf(signer.Alg, access),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	maps.Copy(claims, user)
	p.tamper(IDTokens, claims)
	return mustSign(signer, "JWT", withoutNil(claims))
}

func leftHalf(alg, token string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "256"):
		h := sha256.Sum256([]byte(token))
		sum = h[:]
	case strings.HasSuffix(alg, "384"):
		h := sha512.Sum384([]byte(token))
		sum = h[:]
	default:
		h := sha512.Sum512([]byte(token))
		sum = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
