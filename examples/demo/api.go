package main

import (
	"cmp"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The handlers of the demo, without a framework: what each of them answers its caller. A framework's file adds the
// guard and writes the JSON.

// adminScope and adminRole are what a caller of /api/admin has to have.
const (
	adminScope = "email"
	adminRole  = "admin"
)

// profile is what the page shows of a caller.
type profile struct {
	Subject  string   `json:"sub"`
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Roles    []string `json:"roles"`
	Scopes   []string `json:"scopes"`
	Issuer   string   `json:"iss"`
}

// me answers callers alone.
func me(token *core.IDToken) *profile {
	return &profile{
		Subject: token.Subject(), Username: token.Username(), Name: token.Name(), Email: token.Email(),
		Roles: orEmpty(token.Roles()), Scopes: orEmpty(token.Scopes()), Issuer: token.Issuer(),
	}
}

// feed answers everybody: token is nil for a guest.
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

// orEmpty makes an empty list show as [] and not as null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
