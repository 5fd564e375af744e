package session

import (
	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// person has the claims documents about the person of an own token.
type person struct {
	issuer, subject string // at the provider
	documents       []*claims.Token
	granting        []*claims.Token // documents whose roles and groups count
}

// first returns the first non-empty text that read finds in a document.
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

// union returns the values that read finds in all granting documents, without duplicates.
func (p *person) union(read func(*claims.Token) []string) []string {
	var all []string
	for _, document := range p.granting {
		all = append(all, read(document)...)
	}
	return claims.Distinct(all)
}

// name returns the claim that is the subject of own tokens. It comes from the first document that has the claim, and from no other. An
// email address must be verified in the same document, because some providers let users enter any address. The error is a fault of kind
// Nobody.
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

// email returns the address of the first document that has one, and whether that document says that it is verified.
func (p *person) email() (*string, bool) {
	for _, document := range p.documents {
		if address := document.Text("email"); address != "" {
			return &address, isVerified(document)
		}
	}
	return nil, false
}

// isVerified reports whether email_verified is the JSON value true (OpenID Connect Core section 5.1). The text "true" does not count.
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
