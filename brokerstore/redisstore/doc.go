// Package redisstore keeps what a service in broker mode stores in Redis, or in a server that speaks its protocol and
// runs Lua scripts, such as Valkey: from Redis 6 on, a single server, one watched by Sentinel, or a cluster. Importing
// the package is enough for URLs:
//
//	package main
//
//	import (
//		"log"
//
//		"github.com/go-oidc-auth/oidcauth/core/store"
//
//		_ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
//	)
//
//	func main() {
//		store, err := store.Open("redis://localhost:6379/0")
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer store.Close()
//	}
//
// The options of a URL are those of redis.ParseURL. min_idle_conns is refused, since it would connect at once; pool
// sizes and numbers of connections go up to 1,000, buffers to 1 MiB. Opening uses no network.
//
// [New] takes a client that the program has already. The server has to keep what it is given: no eviction, and an
// append-only file; the module's README says what to set.
package redisstore
