// Package sqlitestore keeps the sessions, signing keys and revocations of a service in an SQLite file, or in memory. Its driver,
// modernc.org/sqlite, needs no C compiler.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
//
//	cfg.StoreURL = "sqlite:////var/lib/app/broker.sqlite"
//
// sqlite:///broker.sqlite is in the working directory, sqlite:///~/broker.sqlite in the user's home, and sqlite:// in memory
// until the store is closed. Without a StoreURL the service uses the file broker.sqlite in the user's data directory, so that a
// program on one machine needs the import alone. The file gets mode 0600; one that others can open is refused.
//
// [New] takes a database handle that the application has already, and leaves it open; pass the store in core.Config.Store. The
// service makes and upgrades its tables by itself; all instances of a service use the same store.
//
// A file serves all processes of one machine. It must not lie on a network file system, where SQLite's locks fail. Without
// Config.SecretKeys, the service keeps its secret key beside the file, in one that ends in .key: a backup of both opens every
// session. The tables are described in package sqlstore.
package sqlitestore
