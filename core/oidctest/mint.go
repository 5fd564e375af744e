package oidctest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"strings"
	"time"
)

// Bearer returns the value of the Authorization header with the token of [Provider.AccessToken]: "Bearer " and the token.
func (p *Provider) Bearer(user string, claims ...Claims) string {
	return "Bearer " + p.AccessToken(user, claims...)
}

// AccessToken returns a new signed access token of a user for the client "app", with the scopes openid, profile and email. It works
// without a login. claims add to or replace the claims of the user and of the token; a nil value removes a claim. A user who does not exist
// has only the claim sub. The token is also valid at the userinfo and introspection endpoints.
func (p *Provider) AccessToken(user string, claims ...Claims) string {
	return p.accessTokenOf(user, claims, p.writeAccess)
}

// UnmarkedAccessToken returns an access token that nothing distinguishes from an ID token: its header typ is JWT, and it has no scope,
// client_id or azp unless claims add them. Some providers issue such tokens. Otherwise it is like [Provider.AccessToken].
func (p *Provider) UnmarkedAccessToken(user string, claims ...Claims) string {
	unmarked := Claims{"scope": nil, "client_id": nil, "azp": nil}
	return p.accessTokenOf(user, append([]Claims{unmarked}, claims...), func(claims Claims) string { return p.Sign("JWT", claims) })
}

// IDToken returns a new signed ID token of a user for the client "app", without nonce and at_hash, as a provider may send it after a
// refresh or a device login. claims add to or replace the claims of the user and of the token; a nil value removes a claim. The provider
// has no login that belongs to the token. For a caller in a handler's context, see the function [IDToken].
func (p *Provider) IDToken(user string, claims ...Claims) string {
	all := p.claimsOf(user)
	all["at_hash"] = nil
	for _, more := range claims {
		maps.Copy(all, deepCopy(more))
	}
	login := newFamily(ConfidentialClient, p.withoutPage(user, defaultScope))
	return p.idToken(login, all, "", "")
}

// defaultScope is the scope of tokens issued without a login.
const defaultScope = "openid profile email"

func (p *Provider) accessTokenOf(user string, claims []Claims, write func(Claims) string) string {
	all := p.claimsOf(user)
	for _, more := range claims {
		maps.Copy(all, deepCopy(more))
	}
	scope, ok := all["scope"].(string)
	if !ok {
		scope = defaultScope
	}
	return p.accessToken(newFamily(ConfidentialClient, p.withoutPage(user, scope)), all, scope, nil, write)
}

// withoutPage is the grant of a user who has not used the login page.
func (p *Provider) withoutPage(user, scope string) grant {
	g := grant{user: user, scope: scope, authTime: p.clockNow().Unix()}
	g.acr, _ = p.acrFor(nil)
	return g
}

// AccessClaims returns the claims that [Provider.AccessToken] signs for a user, as a basis for [Provider.Sign] and
// [Provider.SignForeign].
func (p *Provider) AccessClaims(user string) Claims {
	return p.accessClaims(ConfidentialClient, p.claimsOf(user), defaultScope)
}

func (p *Provider) clockNow() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

// accessClaims returns the claims of an access token (RFC 9068 section 2.2); claims of the user replace the default ones.
func (p *Provider) accessClaims(client string, user Claims, scope string) Claims {
	now := p.clockNow()
	claims := Claims{
		"iss": p.issuer, "aud": p.audienceOf(client), "azp": client, "client_id": client, "scope": scope,
		"iat": now.Unix(), "exp": now.Add(p.set.life.AccessToken).Unix(), "jti": randomHex(8),
	}
	maps.Copy(claims, deepCopy(user))
	return claims
}

// accessToken issues an access token and stores its grant.
func (p *Provider) accessToken(login *family, user Claims, scope string, resources []string, write func(Claims) string) string {
	claims := p.accessClaims(login.client, user, scope)
	if len(resources) > 0 {
		claims["aud"] = oneOrMany(resources)
	}
	p.addLogin(claims, login)
	p.tamper(AccessTokens, claims)
	withoutNil(claims)
	token := write(claims)
	profile := withoutNil(deepCopy(user))
	for _, protocol := range []string{"iss", "aud", "azp", "client_id", "scope", "iat", "nbf", "exp", "jti", "typ", "cnf", "nonce", "acr", "auth_time"} {
		delete(profile, protocol)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	expires := p.now().Add(p.set.life.AccessToken)
	if exp, ok := claims["exp"].(int64); ok {
		expires = time.Unix(exp, 0)
	}
	p.access.put(token, &accessGrant{family: login, expires: expires, claims: claims, profile: profile})
	return token
}

func (p *Provider) writeAccess(claims Claims) string {
	switch {
	case p.set.opaque:
		return randomHex(24)
	case p.set.jwtType:
		return p.Sign("JWT", claims)
	default:
		return p.Sign("at+jwt", claims)
	}
}

func withoutNil(claims Claims) Claims {
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// idToken issues an ID token (OpenID Connect Core section 2) with at_hash (section 3.1.3.6).
func (p *Provider) idToken(login *family, user Claims, access, nonce string) string {
	now := p.clockNow()
	signer := p.signer()
	claims := Claims{
		"iss": p.issuer, "aud": login.client, "azp": login.client, "iat": now.Unix(), "exp": now.Add(p.set.life.IDToken).Unix(),
		"auth_time": login.grant.authTime, "at_hash": leftHalf(signer.Alg, access), "sid": login.sid(),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if login.grant.acr != "" {
		claims["acr"] = login.grant.acr
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
