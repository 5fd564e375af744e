package core

import (
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Limits of the lists of issuers. A token's iss is looked up in one table, so they limit memory alone.
const (
	maxAliases = 8
	maxTenants = 10_000
)

// spellings returns the texts that may be iss; nil if there is only one.
func (p *Provider) spellings() verify.Spellings {
	return verify.NewSpellings(p.Issuer, p.IssuerAliases, p.Tenants)
}

// sharesIssuer reports whether a text can be iss of two providers, by the spellings and the bases of both. Two entries with different
// tenants of one template share none.
func sharesIssuer(one, two verify.Spellings, base, other string) bool {
	switch {
	case one == nil && two == nil:
		return isBase(base, other)
	case one == nil:
		return sharesIssuer(two, one, other, base)
	}
	for name := range one {
		if two.Has(name) || two == nil && isBase(other, name) {
			return true
		}
	}
	return false
}

// isBase compares issuers up to a trailing slash.
func isBase(base, name string) bool {
	return base != "" && strings.TrimSuffix(base, "/") == strings.TrimSuffix(name, "/")
}

// checkIssuers adds the faults of Issuer, IssuerAliases and Tenants together.
func (p *Provider) checkIssuers(f *faults, field string) {
	marks := strings.Count(p.Issuer, verify.TenantMark)
	switch {
	case marks > 1:
		f.add(field+"Issuer", "%s: write %s once", quoted(p.Issuer), verify.TenantMark)
	case marks == 1 && len(p.Tenants) == 0:
		f.add(field+"Tenants", "empty: list the tenants whose people this service accepts, because Issuer stands for every tenant of the provider")
	case marks == 0 && len(p.Tenants) > 0:
		f.add(field+"Issuer", "%s: write the issuer of the discovery document, with %s in the place of the tenant, or remove Tenants", quoted(p.Issuer), verify.TenantMark)
	}
	if len(p.Tenants) > maxTenants {
		f.add(field+"Tenants", "%d entries: write at most %d", len(p.Tenants), maxTenants)
	} else if i := slices.IndexFunc(p.Tenants, func(tenant string) bool { return !isGUID(tenant) }); i >= 0 {
		f.add(field+"Tenants", "%q: write the tenant's ID, 32 hexadecimal digits in five groups, and not a domain or common", p.Tenants[i])
	}
	if len(p.IssuerAliases) > maxAliases {
		f.add(field+"IssuerAliases", "%d entries: write at most %d", len(p.IssuerAliases), maxAliases)
	}
	if len(p.IssuerAliases) > 0 && p.Issuer == "" {
		f.add(field+"Issuer", "empty: write the issuer that IssuerAliases are other spellings of")
	}
	for _, alias := range p.IssuerAliases {
		switch {
		case alias == "" || strings.TrimSpace(alias) != alias:
			f.add(field+"IssuerAliases", "%s: remove an empty entry, and white space around an entry", quoted(alias))
		case strings.Count(alias, verify.TenantMark) != min(marks, 1):
			f.add(field+"IssuerAliases", "%s: write %s in it once if Issuer has it, and only then", quoted(alias), verify.TenantMark)
		}
	}
}

// isGUID reports whether text is a GUID in lower case, as in 9188040d-6c67-4c5b-b112-36a304b66dad.
func isGUID(text string) bool {
	groups := strings.Split(text, "-")
	lengths := []int{8, 4, 4, 4, 12}
	return slices.EqualFunc(groups, lengths, func(group string, length int) bool {
		return len(group) == length && strings.Trim(group, "0123456789abcdef") == ""
	})
}
