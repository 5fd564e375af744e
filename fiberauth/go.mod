module github.com/go-oidc-auth/oidcauth/fiberauth

go 1.26

require (
	github.com/go-oidc-auth/oidcauth/core v0.1.0
	github.com/gofiber/fiber/v2 v2.52.15
)
