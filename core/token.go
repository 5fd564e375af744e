package core

import "github.com/go-oidc-auth/oidcauth/core/internal/session"

// Token is the answer of the token and callback routes, with the members of the Python library and expires_in beside
// them. Printing one shows nothing of it.
type Token struct {
	// AccessToken is what a client sends as bearer.
	AccessToken string `json:"access_token"`
	// TokenType is always "Bearer".
	TokenType string `json:"token_type"`
	// Expires is when the access token ends, in Unix seconds.
	Expires int64 `json:"expires"`
	// ExpiresIn is the same in seconds from now.
	ExpiresIn int64 `json:"expires_in"`
	// RefreshToken is "" when there is none; an answer leaves it out then, for clients that refuse an empty one.
	RefreshToken string `json:"refresh_token,omitempty"`
	// RefreshExpires is when the refresh token ends, in Unix seconds: far away when the provider names no end, equal to
	// Expires when there is no refresh token.
	RefreshExpires int64 `json:"refresh_expires"`
	// Scope holds the granted scopes, separated by spaces.
	Scope string `json:"scope"`
	// IssuedTokenType is there after a token exchange alone (RFC 8693 section 2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	caller *IDToken
}

// Caller returns who logged in: in passthrough mode from the verified ID token of this exchange, nil when the provider
// sent none, as some do after a refresh; in broker mode as guards will see the caller of this access token.
func (t *Token) Caller() *IDToken { return t.caller }

// String hides the token.
func (t *Token) String() string { return "Token(hidden)" }

// GoString hides the token.
func (t *Token) GoString() string { return t.String() }

// tokenOf makes the answer of what a session gave.
func tokenOf(tokens *session.Tokens) *Token {
	return &Token{
		AccessToken: tokens.AccessToken, TokenType: tokens.TokenType, Expires: tokens.Expires, ExpiresIn: tokens.ExpiresIn,
		RefreshToken: tokens.RefreshToken, RefreshExpires: tokens.RefreshExpires, Scope: tokens.Scope,
		IssuedTokenType: tokens.IssuedTokenType, caller: idTokenOf(tokens.Caller),
	}
}
