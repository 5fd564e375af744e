package core

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// Token is the answer of the token route, and of the callback route without Config.Sessions (RFC 6749 section 5.1): the members
// of the Python library, and expires_in. Printing or logging a Token shows "Token(hidden)". [encoding/json.Marshal] writes the
// real tokens, because that is the body of the answer; so do not log a struct that contains a Token with slog's JSON handler.
type Token struct {
	// AccessToken is the bearer token that the client sends. "" only in Config.OnLogin with Config.Sessions.
	AccessToken string `json:"access_token"`
	// TokenType is always "Bearer".
	TokenType string `json:"token_type"`
	// Expires is the expiry of the access token in Unix seconds; without one, the latest end of the session.
	Expires int64 `json:"expires"`
	// ExpiresIn is the remaining lifetime of the access token in seconds; 0 without one.
	ExpiresIn int64 `json:"expires_in"`
	// RefreshToken is "" if there is none; the answer then omits it, because some clients reject an empty one.
	RefreshToken string `json:"refresh_token,omitempty"`
	// RefreshExpires is the expiry of the refresh token in Unix seconds: as the provider states it, or 30 days ahead if it states
	// none. In broker mode it is when the session ends without another refresh. Without a refresh token it equals Expires.
	RefreshExpires int64 `json:"refresh_expires"`
	// Scope lists the granted scopes, separated by spaces.
	Scope string `json:"scope"`
	// IssuedTokenType is set only after a token exchange (RFC 8693 section 2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	caller *IDToken
}

// Caller returns the person who logged in. In passthrough mode it comes from the verified ID token of this exchange, and is
// nil if the provider sent none, as some do on a refresh. In broker mode it is the caller that guards will see for this
// access token; with Config.Sessions, in Config.OnLogin, the caller that guards will see for the session.
func (t *Token) Caller() *IDToken { return t.caller }

// String returns "Token(hidden)".
func (t Token) String() string { return "Token(hidden)" }

// GoString returns "Token(hidden)".
func (t Token) GoString() string { return t.String() }

// Format writes "Token(hidden)", for every verb of package fmt.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue returns "Token(hidden)", for package log/slog.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// tokenOf converts the tokens of a session into the answer.
func tokenOf(tokens *session.Tokens) *Token {
	return &Token{
		AccessToken: tokens.AccessToken, TokenType: tokens.TokenType, Expires: tokens.Expires, ExpiresIn: tokens.ExpiresIn,
		RefreshToken: tokens.RefreshToken, RefreshExpires: tokens.RefreshExpires, Scope: tokens.Scope,
		IssuedTokenType: tokens.IssuedTokenType, caller: idTokenOf(tokens.Caller),
	}
}
