// Package redisstore keeps the sessions, signing keys and revocations of a service in Redis, or in a server that speaks its
// protocol and runs Lua scripts, such as Valkey: from Redis 6 on, a single server, one watched by Sentinel, or a cluster.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
//
//	cfg.StoreURL = "redis://user:password@host:6379/0"
//
// The schemes are redis and rediss, which is TLS. The options are those of redis.ParseURL; min_idle_conns is refused, since it
// would connect at once; pool sizes and numbers of connections go up to 1,000, buffers to 1 MiB. Opening uses no network.
//
// [New] takes a client that the application has already, and leaves it open; pass the store in core.Config.Store. The service
// makes what it needs there by itself; all instances of a service use the same store.
//
// The server must keep what it is given:
//
//   - maxmemory-policy noeviction: any other policy drops sessions and revocations when memory is full
//   - appendonly yes, with appendfsync everysec or always: without it a restart ends every session and forgets every revocation
//   - min-replicas-to-write 1, if there are replicas
//
// All keys begin with {oidcauth}:, so services that do not belong together take different database numbers or servers.
package redisstore
