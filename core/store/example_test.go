package store_test

import (
	"fmt"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// The scheme of a URL must be registered. A package of brokerstore registers its schemes when a program imports it.
func ExampleOpen() {
	memory, err := store.Open("memory://")
	fmt.Println(memory != nil, err)
	_, err = store.Open("postgres://user@localhost/app") // the import is missing
	fmt.Println(err)
	// Output:
	// true <nil>
	// store: no store for postgres URLs: write import _ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
}

// A store of your own gets a URL scheme, so that a configuration can name it.
func ExampleRegister() {
	store.Register(func(string) (store.Store, error) { return store.NewMemory(), nil }, "example")
	opened, err := store.Open("example://anything")
	fmt.Println(opened != nil, err)
	// Output: true <nil>
}
