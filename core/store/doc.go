// Package store defines how a service stores its sessions, signing keys and revocations: the interface [Store], which every
// database module implements; the registry, which opens a store from a URL; and an in-memory store. Package core makes the tokens
// and the sessions.
//
// An application does not call a store. It imports one of the packages in brokerstore (sqlitestore, postgresstore, mysqlstore,
// mongostore, redisstore), and names the database in core.Config.StoreURL. core.Config.Store takes a store that is open already,
// and [NewMemory] makes one for tests.
//
// To support another database, implement [Store] and test the implementation with the suite in core/store/storetest. Pass the
// store in core.Config.Store, or register it under a URL scheme:
//
//	func init() {
//		store.Register(func(url string) (store.Store, error) { return newStore(url) }, "etcd")
//	}
package store
