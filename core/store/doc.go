// Package store says what a service in broker mode keeps, and where: the [Store] that every database module implements,
// the registry by which a store is opened from a URL, and a store in memory. The tokens themselves are made in package
// core.
//
// A store for a database that is not among the modules of this repository implements [Store] and is held to it by the
// suite in core/store/storetest; it is used through core.Config.Store, or registered under a URL scheme:
//
//	func init() {
//		store.Register(func(url string) (store.Store, error) { return newStore(url) }, "etcd")
//	}
package store
