module github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore

go 1.26.0

require (
	github.com/go-oidc-auth/oidcauth/core v0.1.0
	github.com/go-oidc-auth/oidcauth/core/store/sqlstore v0.1.0
	github.com/go-oidc-auth/oidcauth/core/store/storetest v0.1.0
	github.com/go-sql-driver/mysql v1.10.1
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/pressly/goose/v3 v3.29.0 // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
