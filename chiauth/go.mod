module github.com/go-oidc-auth/oidcauth/chiauth

go 1.26

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/go-oidc-auth/oidcauth/core v0.1.0
)
