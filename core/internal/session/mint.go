package session

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// clockStep is subtracted from the iat of own tokens: Python services refuse an iat that is a second ahead of their clock.
const clockStep = 5 * time.Second

// accessClaims are the claims of an own token: first those of the Python library, in its order, then additional ones.
type accessClaims struct {
	Subject   string   `json:"sub"`
	Username  string   `json:"preferred_username"`
	Email     *string  `json:"email"` // null if unknown, as in the Python library
	Roles     []string `json:"roles"`
	ID        string   `json:"jti"`
	Issuer    string   `json:"iss"`
	Audience  string   `json:"aud"`
	IssuedAt  int64    `json:"iat"`
	ExpiresAt int64    `json:"exp"`

	Scope           string   `json:"scope"`
	Client          string   `json:"client_id"`
	ProviderIssuer  string   `json:"idp_iss"`
	ProviderSubject string   `json:"idp_sub"`
	Session         string   `json:"sid"`
	Name            string   `json:"name,omitempty"`
	GivenName       string   `json:"given_name,omitempty"`
	FamilyName      string   `json:"family_name,omitempty"`
	EmailVerified   bool     `json:"email_verified,omitempty"`
	Groups          []string `json:"groups,omitempty"`
	ACR             string   `json:"acr,omitempty"` // of the login, as auth_time (RFC 9068 section 2.2.1)
	AuthTime        int64    `json:"auth_time,omitempty"`

	Actor json.RawMessage `json:"act,omitempty"` // RFC 8693 section 4.1
}

// order describes a token to mint.
type order struct {
	person  *person
	session string
	scope   string
	end     time.Time       // latest expiry; zero: no limit
	actor   json.RawMessage // party that acts for the person; nil: none

	acr      string // how the person authenticated; "": unknown
	authTime int64  // when, in Unix seconds; 0: unknown
}

// mint makes a signed own token if the policy permits it.
func (v *Vault) mint(signer *jose.Signer, o order) (*verify.Token, error) {
	at := time.Now()
	expires := at.Add(v.cfg.TokenTTL)
	if !o.end.IsZero() && o.end.Before(expires) {
		expires = o.end
	}
	token, err := v.token(o, at, expires)
	if err != nil {
		return nil, err
	}
	if err := v.cfg.Permit(token); err != nil {
		return nil, err
	}
	if token.Raw, err = signer.SignBytes("JWT", []byte(token.Payload())); err != nil {
		return nil, err
	}
	if len(token.Raw) > jose.MaxTokenSize {
		return nil, fault.Bad(fault.Size, nil)
	}
	return token, nil
}

// token makes an own token without a signature, and parses its claims as guards do.
func (v *Vault) token(o order, at, expires time.Time) (*verify.Token, error) {
	p := o.person
	subject, err := p.name(v.cfg.SubjectClaim)
	if err == nil {
		subject, err = v.ups.ownSubject(p.issuer, subject)
	}
	if err != nil {
		return nil, err
	}
	says := &accessClaims{
		Subject: subject, Username: p.first((*claims.Token).Username), Roles: append([]string{}, p.union((*claims.Token).Roles)...), ID: uuid(), Issuer: v.cfg.Issuer,
		Audience: v.cfg.Audience, IssuedAt: at.Add(-clockStep).Unix(), ExpiresAt: expires.Unix(), Scope: o.scope, Client: v.cfg.Client,
		ProviderIssuer: p.issuer, ProviderSubject: p.subject, Session: o.session, Name: p.text("name"), GivenName: p.text("given_name"),
		FamilyName: p.text("family_name"), Groups: p.union(func(document *claims.Token) []string { return document.List("groups") }),
		ACR: o.acr, AuthTime: o.authTime, Actor: o.actor,
	}
	if says.Username == "" {
		says.Username = subject
	}
	says.Email, says.EmailVerified = p.email()
	payload, err := json.Marshal(says)
	if err != nil {
		return nil, err
	}
	object, err := strictjson.Parse(string(payload)) // which is the token's payload from here on
	if err != nil {
		return nil, err
	}
	token := v.cfg.New()
	if err := token.Read(object, v.cfg.Issuer, at, v.cfg.Rules); err != nil {
		return nil, err
	}
	token.Session = sessionOf(&token.Token)
	return token, nil
}

// tokensOf returns the token response for a minted token, without a refresh token.
func tokensOf(minted *verify.Token, scope string) *Tokens {
	expires := minted.Expiry.Unix()
	return &Tokens{
		AccessToken: minted.Raw, TokenType: "Bearer", Expires: expires, ExpiresIn: max(0, expires-time.Now().Unix()), RefreshExpires: expires,
		Scope: scope, Caller: minted,
	}
}

// uuid returns a random UUID (RFC 9562 section 5.4), the format of jti in the Python library.
func uuid() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // crypto/rand.Read never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	text := make([]byte, 0, 36)
	for i, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	return string(text)
}

// narrowed returns the granted scopes that are requested, separated by spaces; all granted scopes if none is requested.
func narrowed(granted []string, asked string) string {
	wanted := strings.Fields(asked)
	if len(wanted) == 0 {
		return strings.Join(granted, " ")
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(granted), func(word string) bool { return !slices.Contains(wanted, word) }), " ")
}
