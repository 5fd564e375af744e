package session

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// clockStep is how far back own tokens are dated: Python services refuse an iat ahead of their clock by a second.
const clockStep = 5 * time.Second

// accessClaims are the claims of an own token: those of the Python library first, in its order, then ours.
type accessClaims struct {
	Subject   string   `json:"sub"`
	Username  string   `json:"preferred_username"`
	Email     *string  `json:"email"` // null when unknown, as there
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

	Actor json.RawMessage `json:"act,omitempty"` // RFC 8693 section 4.1
}

// order is one token to mint.
type order struct {
	person  *person
	session string
	scope   string
	end     time.Time       // when it has to end at the latest; zero: no such time
	actor   json.RawMessage // who acts in the person's name; nil: nobody else
}

// mint makes an own token, if the policy lets it pass.
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
	if token.Raw, err = signer.SignBytes("JWT", []byte(token.Payload)); err != nil {
		return nil, err
	}
	if len(token.Raw) > jose.MaxTokenSize {
		return nil, fault.Bad(fault.Size, nil)
	}
	return token, nil
}

// token makes the claims of an own token, and reads them as guards will.
func (v *Vault) token(o order, at, expires time.Time) (*verify.Token, error) {
	p := o.person
	subject, err := p.name(v.cfg.SubjectClaim)
	if err != nil {
		return nil, err
	}
	says := &accessClaims{
		Subject: subject, Username: p.first((*claims.Token).Username), Roles: append([]string{}, p.union((*claims.Token).Roles)...), ID: uuid(), Issuer: v.cfg.Issuer,
		Audience: v.cfg.Audience, IssuedAt: at.Add(-clockStep).Unix(), ExpiresAt: expires.Unix(), Scope: o.scope, Client: v.cfg.Client,
		ProviderIssuer: p.issuer, ProviderSubject: p.subject, Session: o.session, Name: p.text("name"), GivenName: p.text("given_name"),
		FamilyName: p.text("family_name"), Groups: p.union(func(document *claims.Token) []string { return document.List("groups") }),
		Actor: o.actor,
	}
	if says.Username == "" {
		says.Username = subject
	}
	says.Email, says.EmailVerified = p.email()
	payload, err := json.Marshal(says)
	if err != nil {
		return nil, err
	}
	object, err := strictjson.Parse(string(payload))
	if err != nil {
		return nil, err
	}
	token := v.cfg.New()
	if err := token.Read(object, v.cfg.Issuer, at, v.cfg.Rules); err != nil {
		return nil, err
	}
	token.Payload, token.Session = string(payload), sessionOf(&token.Token)
	return token, nil
}

// tokensOf is the answer for a minted token without a refresh token.
func tokensOf(minted *verify.Token, scope string) *Tokens {
	expires := minted.Expiry.Unix()
	return &Tokens{
		AccessToken: minted.Raw, TokenType: "Bearer", Expires: expires, ExpiresIn: max(0, expires-time.Now().Unix()), RefreshExpires: expires,
		Scope: scope, Caller: minted,
	}
}

// uuid is a random one (RFC 9562 section 5.4): the Python library's form of jti.
func uuid() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // crypto/rand.Read never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// narrowed keeps the words of granted that are asked for; all of them when nothing is asked for.
func narrowed(granted []string, asked string) string {
	wanted := strings.Fields(asked)
	if len(wanted) == 0 {
		return strings.Join(granted, " ")
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(granted), func(word string) bool { return !slices.Contains(wanted, word) }), " ")
}
