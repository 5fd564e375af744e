module github.com/go-oidc-auth/oidcauth/echoauth

go 1.26

require (
	github.com/go-oidc-auth/oidcauth/core v0.1.0
	github.com/labstack/echo/v4 v4.16.0
)
