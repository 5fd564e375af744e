// Package mongostore keeps the sessions, signing keys and revocations of a service in MongoDB 4.4 or later.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
//
//	cfg.StoreURL = "mongodb://user:password@host/database"
//
// The schemes are mongodb and mongodb+srv. The URL must contain the name of the database. Its options are those of the driver,
// go.mongodb.org/mongo-driver/v2. Opening uses no network.
//
// [New] takes a database of a client that the application already has, and leaves the client open; pass the store in
// core.Config.Store. The service creates its collections (oidcauth_sessions, oidcauth_keys) and indexes by itself. All instances of a
// service use the same store.
//
// Every operation that must be atomic writes one document. So the store needs no transactions, and works with a single server as well as
// with a replica set.
package mongostore
