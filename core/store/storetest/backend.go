package storetest

import (
	"context"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Backend is a database as the suite needs it.
type Backend struct {
	// Place makes an empty place for the data of one test: a database, a schema, a file. It is removed with the test.
	Place func(t testing.TB) Place
}

// Place is where the stores of one test keep their data.
type Place struct {
	// Open makes one more store on the place, as another instance would, without calling Init. The suite closes it. nil:
	// URL is opened.
	Open func(t testing.TB) store.Store
	// Handle makes a store on a handle that the test owns, and a function that uses the handle: it has to work after the
	// store was closed. nil: the store has no handles.
	Handle func(t testing.TB) (db store.Store, use func(context.Context) error)
	// URL opens a store on the place through the registry; "" when there is none that other processes could open.
	URL string
	// Address is the host:port in URL, which the suite replaces by that of a proxy whose connections it cuts. "": the
	// database is in this process.
	Address string
}
