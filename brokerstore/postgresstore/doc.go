// Package postgresstore keeps the sessions, signing keys and revocations of a service in PostgreSQL, with the driver pgx.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
//
//	cfg.StoreURL = "postgres://user:password@host/database?sslmode=verify-full"
//
// The schemes are postgres and postgresql. The parameters of the URL are those of libpq, the C library of PostgreSQL, whose environment
// variables (PGPASSWORD and others) and password file also count. Without sslmode it is "prefer", which uses TLS if the server offers it
// and verifies no certificate: it does not protect against an attacker who can change packets. Write sslmode=verify-full.
//
// [New] takes a database handle that the application already has, and leaves it open; pass the store in core.Config.Store. The
// service creates and upgrades its tables by itself. All instances of a service use the same store.
//
// The service creates the tables in the first schema of the search path, so its database user needs the privilege CREATE there. Package
// sqlstore describes the tables. While it creates them it holds an advisory lock of the session, which needs a direct connection and not
// one through a pooler in transaction mode. [Migrations] returns the SQL for a migration tool of your own.
package postgresstore
