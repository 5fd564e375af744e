// Package redisstore keeps the sessions, signing keys and revocations of a service in Redis 6 or later, or in a server that speaks its
// protocol and runs Lua scripts, such as Valkey. It works with a single server, a server with Sentinel, and a cluster.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
//
//	cfg.StoreURL = "redis://user:password@host:6379/0"
//
// The schemes are redis and rediss, which uses TLS. A URL names a single server; for Sentinel or a cluster, use [New]. The options of the
// URL are those of redis.ParseURL in github.com/redis/go-redis/v9, with these limits: min_idle_conns is an error, because it would connect
// at once; pool sizes and numbers of connections are at most 1,000, and buffers at most 1 MiB. Opening uses no network.
//
// [New] takes a client that the application already has, and leaves it open; pass the store in core.Config.Store. All instances of a
// service use the same store.
//
// Configure the server so that it loses no data:
//
//   - maxmemory-policy noeviction: with any other policy the server drops sessions and revocations when its memory is full
//   - appendonly yes, with appendfsync everysec or always: without it, a restart ends every session and loses every revocation, so that
//     revoked tokens are valid again
//   - min-replicas-to-write 1, if there are replicas
//
// All keys begin with {oidcauth}:, so two services that share no users need different database numbers or servers.
package redisstore
