package storetest

import (
	"context"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Backend gives the suite access to a database.
type Backend struct {
	// Place makes an empty place for the data of one test, such as a database, a schema or a file, and removes it at the end of the test.
	Place func(t testing.TB) Place
}

// Place is the location of the data of one test. Several stores share it, as the instances of a service do.
type Place struct {
	// Open opens another store on the place, as another instance would, without calling Init. The suite closes it. nil: the suite opens
	// URL.
	Open func(t testing.TB) store.Store
	// Handle makes a store on a database handle that the test owns, and a function that uses the handle: it must work after the store was
	// closed. nil: the store takes no handles.
	Handle func(t testing.TB) (db store.Store, use func(context.Context) error)
	// URL opens a store on the place through the registry; "" if other processes cannot open the place.
	URL string
	// Address is the host:port in URL. The suite replaces it by the address of a proxy whose connections it cuts. "": the database is in
	// this process.
	Address string
}
