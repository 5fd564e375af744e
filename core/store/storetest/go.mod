module github.com/go-oidc-auth/oidcauth/core/store/storetest

go 1.26.0

require (
	github.com/go-oidc-auth/oidcauth/core v0.1.0
	pgregory.net/rapid v1.3.0
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
