// Package mongostore keeps the sessions, signing keys and revocations of a service in MongoDB 4.4 or later.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
//
//	cfg.StoreURL = "mongodb://user:password@host/database"
//
// The schemes are mongodb and mongodb+srv, and the options those of the driver. The database must be in the URL.
//
// [New] takes a database of a client that the application has already, and leaves the client open; pass the store in
// core.Config.Store. The service makes what it needs there by itself; all instances of a service use the same store.
//
// Every step is a write of one document. So no transaction is needed, and a single server will do as well as a replica set.
package mongostore
