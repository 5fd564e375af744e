package session

import (
	"encoding/json"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

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
	documents       []*claims.Token
}

func (s *sources) person(issuer, subject string, rules *claims.Rules) (*person, error) {
	p := &person{issuer: issuer, subject: subject}
	for _, text := range []json.RawMessage{s.ID, s.UserInfo, s.Access} {
		if text == nil {
			continue
		}
		document, err := claims.Document(string(text), rules)
		if err != nil {
			return nil, err
		}
		p.documents = append(p.documents, document)
	}
	return p, nil
}

// first returns the first text that a document has.
func (p *person) first(read func(*claims.Token) string) string {
	for _, document := range p.documents {
		if text := read(document); text != "" {
			return text
		}
	}
	return ""
}

func (p *person) text(name string) string {
	return p.first(func(document *claims.Token) string { return document.Text(name) })
}

func (p *person) union(read func(*claims.Token) []string) []string {
	var all []string
	for _, document := range p.documents {
		all = append(all, read(document)...)
	}
	return claims.Distinct(all)
}

// name returns the one claim that a person is to be known by: of the first document that has it, and no other.
func (p *person) name(claim string) (string, error) {
	if claim == "sub" {
		return p.subject, nil
	}
	for _, document := range p.documents {
		if document.Has(claim) {
			if text := document.Text(claim); text != "" {
				return text, nil
			}
			break
		}
	}
	return "", fault.New(fault.Nobody, nil)
}

// email returns the address of the first document that has one, with what that document says about it.
func (p *person) email() (*string, bool) {
	for _, document := range p.documents {
		if address := document.Text("email"); address != "" {
			verified, _ := document.Object.Get("email_verified")
			return &address, verified == "true"
		}
	}
	return nil, false
}
