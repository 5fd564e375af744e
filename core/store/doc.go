// Package store defines how a service stores its sessions, signing keys and revocations: the interface [Store], which every database
// module implements; the registry, which opens a store from a URL; and an in-memory store. Package core makes the tokens.
//
// To support another database, implement [Store] and test the implementation with the suite in core/store/storetest. Pass the store in
// core.Config.Store, or register it under a URL scheme:
//
//	func init() {
//		store.Register(func(url string) (store.Store, error) { return newStore(url) }, "etcd")
//	}
package store
