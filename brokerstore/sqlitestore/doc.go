// Package sqlitestore keeps the sessions, signing keys and revocations of a service in an SQLite file, or in memory. Its driver,
// modernc.org/sqlite, needs no C compiler.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
//
//	cfg.StoreURL = "sqlite:////var/lib/app/broker.sqlite"
//
// sqlite:///broker.sqlite is a file in the working directory, sqlite:///~/broker.sqlite one in the user's home, and sqlite:// keeps the
// data in memory until the store is closed. Without a StoreURL the service uses the file broker.sqlite in a folder of the user's data
// directory that has the name core.Config.AppName, so that a program on one machine only needs the import. The service creates the file
// with mode 0600, and refuses a file that other users can open.
//
// [New] takes a database handle that the application already has, and leaves it open; pass the store in core.Config.Store. The
// service creates and upgrades its tables by itself. All instances of a service use the same store.
//
// All processes of one machine can use the same file. Do not put it on a network file system, where SQLite's locks fail. Without
// core.Config.SecretKeys, the service creates its secret key in a second file, with .key after the name of the first. Whoever has a backup
// of both files can decrypt every session. Package sqlstore describes the tables.
package sqlitestore
