module github.com/go-oidc-auth/oidcauth/ginauth

go 1.26

require (
	github.com/gin-gonic/gin v1.12.0
	github.com/go-oidc-auth/oidcauth/core v0.1.0
)
