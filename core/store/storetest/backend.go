package storetest

import (
	"context"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Backend gives the suite access to a database.
type Backend struct {
	// Place creates an empty place for the data of one test, such as a database, a schema or a file, and removes it when the test ends.
	Place func(t testing.TB) Place
}

// Place is the location of the data of one test. Several stores share it, as the instances of a service do.
type Place struct {
	// Open opens another store in this place, as another instance would, without calling Init. The suite closes the store. nil: the
	// suite opens URL.
	Open func(t testing.TB) store.Store
	// Handle creates a store on a database handle that the test owns, and returns a function that uses the handle: the function must
	// still work after the store was closed. nil: the store cannot be created on a handle.
	Handle func(t testing.TB) (db store.Store, use func(context.Context) error)
	// URL is the URL with which [store.Open] opens this place. "": other processes cannot open the place.
	URL string
	// Address is the host:port in URL. The suite replaces it with the address of a proxy, to break connections. "": the database runs
	// in this process.
	Address string
}
