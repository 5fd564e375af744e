package main

// Each store registers the scheme of its URLs, for STORE_URL.
import (
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
)
