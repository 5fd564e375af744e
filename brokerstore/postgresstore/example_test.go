package postgresstore_test

import (
	"context"
	"database/sql"
	"log"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A store from a URL, which is how an application usually names it.
func Example() {
	opened, err := store.Open("postgres://oidcauth:password@localhost/app?sslmode=disable")
	if err != nil {
		log.Fatal(err)
	}
	defer opened.Close() //nolint:errcheck // the program ends
	if err := opened.Init(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// A store on a handle that the application uses for its own tables too, and closes itself.
func ExampleNew() {
	db, err := sql.Open("pgx", "postgres://app:password@localhost/app?sslmode=disable")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the program ends
	if err := postgresstore.New(db).Init(context.Background()); err != nil {
		log.Fatal(err)
	}
}
