package core

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
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
}

// sources is what the provider has said about one subject: the claims of its ID token, of its access token where that is
// one for us, and of userinfo. A newer document takes the place of the older one of its kind.
type sources struct {
	ID       json.RawMessage `json:"id,omitempty"`
	Access   json.RawMessage `json:"access,omitempty"`
	UserInfo json.RawMessage `json:"userinfo,omitempty"`
}

// person is who an own token stands for.
type person struct {
	issuer, subject string // at the provider
	documents       []*IDToken
}

func (s *sources) person(issuer, subject string) (*person, error) {
	p := &person{issuer: issuer, subject: subject}
	for _, document := range []json.RawMessage{s.ID, s.UserInfo, s.Access} {
		if document == nil {
			continue
		}
		claims, err := strictjson.Parse(string(document))
		if err != nil {
			return nil, err
		}
		p.documents = append(p.documents, &IDToken{&identity{claims: claims}})
	}
	return p, nil
}

// first returns the first text that a document has.
func (p *person) first(read func(*IDToken) string) string {
	for _, document := range p.documents {
		if text := read(document); text != "" {
			return text
		}
	}
	return ""
}

func (p *person) text(name string) string {
	return p.first(func(document *IDToken) string { return document.text(name) })
}

func (p *person) union(read func(*IDToken) []string) []string {
	var all []string
	for _, document := range p.documents {
		all = append(all, read(document)...)
	}
	return distinct(all)
}

// claim returns the one claim that a person is to be known by: of the first document that has it, and no other.
func (p *person) claim(name string) (string, error) {
	if name == defaultSubject {
		return p.subject, nil
	}
	for _, document := range p.documents {
		if _, ok := document.claims.Get(name); ok {
			if text := document.text(name); text != "" {
				return text, nil
			}
			break
		}
	}
	return "", &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "The provider does not say who this user is."}
}

// minted is an own token, and what guards will read in it.
type minted struct {
	raw    string
	caller *IDToken
}

// mint makes an own token for a person, if the guard of the configuration's requirements would let it pass: what a guard
// reads later decides here. end is when it has to end at the latest, zero for no such time.
func (b *tokenBroker) mint(signer *jose.Signer, guard *Guard, p *person, session, scope string, end time.Time) (*minted, error) {
	subject, err := p.claim(b.cfg.SubjectClaim)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	expires := at.Add(b.cfg.TokenTTL)
	if !end.IsZero() && end.Before(expires) {
		expires = end
	}
	claims := &accessClaims{
		Subject: subject, Username: p.first((*IDToken).Username), Roles: append([]string{}, p.union((*IDToken).Roles)...), ID: uuid(), Issuer: b.issuer,
		Audience: b.cfg.Audience, IssuedAt: at.Add(-clockStep).Unix(), ExpiresAt: expires.Unix(), Scope: scope, Client: b.auth.cfg.ClientID,
		ProviderIssuer: p.issuer, ProviderSubject: p.subject, Session: session, Name: p.text("name"), GivenName: p.text("given_name"),
		FamilyName: p.text("family_name"), Groups: p.union(func(t *IDToken) []string { return texts(t.claims, "groups") }),
	}
	if claims.Username == "" {
		claims.Username = subject
	}
	claims.Email, claims.EmailVerified = p.email()
	return b.sign(signer, guard, claims, at)
}

// email returns the address of the first document that has one, with what that document says about it.
func (p *person) email() (*string, bool) {
	for _, document := range p.documents {
		if address := document.Email(); address != "" {
			verified, _ := document.claims.Get("email_verified")
			return &address, verified == "true"
		}
	}
	return nil, false
}

func (b *tokenBroker) sign(signer *jose.Signer, guard *Guard, claims *accessClaims, at time.Time) (*minted, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	object, err := strictjson.Parse(string(payload))
	if err != nil {
		return nil, err
	}
	caller, err := read(object, b.issuer, at, b.auth.cfg.Leeway)
	if err != nil {
		return nil, err
	}
	caller.payload, caller.session = string(payload), sessionOf(caller)
	if err := guard.permit(caller); err != nil {
		return nil, err
	}
	if caller.raw, err = signer.SignBytes("JWT", payload); err != nil {
		return nil, err
	}
	if len(caller.raw) > jose.MaxTokenSize {
		return nil, nonsense("The OIDC provider says more about this user than a token can hold.", nil)
	}
	return &minted{raw: caller.raw, caller: caller}, nil
}

// token is the answer for a minted token without a refresh token.
func (m *minted) token(scope string) *Token {
	expires := m.caller.Expiry().Unix()
	return &Token{
		AccessToken: m.raw, TokenType: "Bearer", Expires: expires, ExpiresIn: max(0, expires-time.Now().Unix()), RefreshExpires: expires,
		Scope: scope, caller: m.caller,
	}
}

// uuid is a random one (RFC 9562 section 5.4): the Python library's form of jti.
func uuid() string {
	u := randomBytes(16)
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
