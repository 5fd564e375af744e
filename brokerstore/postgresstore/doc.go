// Package postgresstore keeps the sessions, signing keys and revocations of a service in PostgreSQL, with the driver pgx.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
//
//	cfg.StoreURL = "postgres://user:password@host/database?sslmode=verify-full"
//
// The schemes are postgres and postgresql. A URL takes everything that libpq reads from a URL, the environment and the password
// file. Without sslmode it is "prefer", which does not protect against an attacker who can change packets.
//
// [New] takes a database handle that the application has already, and leaves it open; pass the store in core.Config.Store. The
// service makes and upgrades its tables by itself; all instances of a service use the same store.
//
// The tables are made in the first schema of the search path, so their user needs CREATE there. They are described in package
// sqlstore. The store takes an advisory lock while it makes them, which needs a direct connection and no pooler; [Migrations] has
// them for a tool of your own.
package postgresstore
