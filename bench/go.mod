module github.com/go-oidc-auth/oidcauth/bench

go 1.26
