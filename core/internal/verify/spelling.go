package verify

import (
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// TenantMark is the place of the tenant in the issuer of a provider that signs for many tenants, as Microsoft Entra writes it.
const TenantMark = "{tenantid}"

// Spellings maps each text that may be the claim iss of an issuer's tokens to what it means. Read-only.
type Spellings map[string]Spelling

// Spelling is the meaning of one text.
type Spelling struct {
	Issuer string // the canonical issuer
	Tenant string // which tenant of the provider that is; "" without tenants

	templates []string // what the key may name as its issuer beside the tenant's own texts
}

// NewSpellings returns the spellings of an issuer and its aliases. With tenants, all of them are templates with one [TenantMark]. It returns
// nil if the issuer alone is the only spelling.
func NewSpellings(issuer string, aliases, tenants []string) Spellings {
	if len(aliases) == 0 && len(tenants) == 0 {
		return nil
	}
	texts := append([]string{issuer}, aliases...)
	all := make(Spellings)
	if len(tenants) == 0 {
		for _, text := range texts {
			all[text] = Spelling{Issuer: issuer}
		}
	}
	for _, tenant := range tenants {
		for _, text := range texts {
			all[inTenant(text, tenant)] = Spelling{Issuer: inTenant(issuer, tenant), Tenant: tenant, templates: texts}
		}
	}
	return all
}

func inTenant(template, tenant string) string {
	return strings.Replace(template, TenantMark, tenant, 1)
}

// settle returns the canonical issuer of a verified object whose iss is issuer. With tenants the object must name that tenant too (tid),
// and so must the key that signed it, if it names an issuer: the provider has keys that are for one tenant alone. The error is a reason of
// package fault.
func (s Spellings) settle(issuer string, object strictjson.Object, key jose.Key) (string, error) {
	if s == nil {
		return issuer, nil
	}
	meaning, ok := s[issuer]
	switch {
	case !ok:
		return "", fault.ErrIssuer
	case meaning.Tenant == "":
		return meaning.Issuer, nil
	case object.FoldsTo("tid"):
		return "", fault.ErrClaims
	}
	tenant, err := object.String("tid")
	if err != nil || tenant != meaning.Tenant || !s.mayBe(key.Issuer, meaning) {
		return "", fault.ErrIssuer
	}
	return meaning.Issuer, nil
}

// mayBe reports whether a key with this issuer may sign for a tenant.
func (s Spellings) mayBe(issuer string, meaning Spelling) bool {
	if issuer == "" || s[issuer].Tenant == meaning.Tenant {
		return true
	}
	for _, template := range meaning.templates {
		if issuer == template {
			return true
		}
	}
	return false
}

// settle is that of the issuer's spellings, for a token that was read.
func (i *Issuer) settle(token *claims.Token, key jose.Key) (err error) {
	token.Issuer, err = i.Spellings.settle(token.Issuer, token.Object, key)
	return err
}

// Has reports whether a text is one of the spellings.
func (s Spellings) Has(text string) bool {
	_, ok := s[text]
	return ok
}
