module github.com/go-oidc-auth/oidcauth/brokerstore/redisstore

go 1.26.0

require (
	github.com/go-oidc-auth/oidcauth/core v0.1.0
	github.com/go-oidc-auth/oidcauth/core/store/storetest v0.1.0
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
