package main

import (
	"cmp"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The handlers of the demo, independent of a framework: each returns its answer to a caller. The file of a framework adds the
// guard and writes the JSON.

// A caller of /api/admin must have adminScope and adminRole.
const (
	adminScope = "email"
	adminRole  = "admin"
)

// profile is the data about a caller on the page.
type profile struct {
	Subject  string   `json:"sub"`
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Roles    []string `json:"roles"`
	Scopes   []string `json:"scopes"`
	Issuer   string   `json:"iss"`
}

// me answers only callers, not guests.
func me(token *core.IDToken) *profile {
	return &profile{
		Subject: token.Subject(), Username: token.Username(), Name: token.Name(), Email: token.Email(),
		Roles: orEmpty(token.Roles()), Scopes: orEmpty(token.Scopes()), Issuer: token.Issuer(),
	}
}

// feed answers callers and guests; token is nil for a guest.
func feed(token *core.IDToken) map[string]any {
	items := []string{"what everybody may read"}
	if token != nil {
		items = append(items, "what "+token.Username()+" alone may read")
	}
	return map[string]any{"reader": cmp.Or(token.Username(), "guest"), "items": items}
}

// admin answers callers who have adminScope and adminRole.
func admin(token *core.IDToken) map[string]any {
	return map[string]any{"asked_by": token.Username(), "users": userNames()}
}

// orEmpty makes an empty list appear as [] instead of null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
