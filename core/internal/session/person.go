package session

import (
	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// person is who an own token stands for.
type person struct {
	issuer, subject string // at the provider
	documents       []*claims.Token
	granting        []*claims.Token // those whose roles and groups count
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

// union joins a list of all documents that grant something.
func (p *person) union(read func(*claims.Token) []string) []string {
	var all []string
	for _, document := range p.granting {
		all = append(all, read(document)...)
	}
	return claims.Distinct(all)
}

// name returns the one claim that a person is to be known by: of the first document that has it, and no other. An address
// is one that the same document says is verified: at some providers anybody may write any address into their profile.
func (p *person) name(claim string) (string, error) {
	if claim == "sub" {
		return p.subject, nil
	}
	for _, document := range p.documents {
		if document.Has(claim) {
			if text := document.Text(claim); text != "" && (claim != "email" || isVerified(document)) {
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
			return &address, isVerified(document)
		}
	}
	return nil, false
}

// isVerified is OpenID Connect Core section 5.1: true, and not the text "true".
func isVerified(document *claims.Token) bool {
	verified, _ := document.Object.Get("email_verified")
	return verified == "true"
}

// shown returns the JSON of some claims, each from the first document that has it.
func (p *person) shown(names []string) map[string]string {
	shown := make(map[string]string)
	for _, name := range append([]string{"picture"}, names...) {
		for _, document := range p.documents {
			if text, ok := document.Object.Get(name); ok {
				shown[name] = text
				break
			}
		}
	}
	return shown
}
