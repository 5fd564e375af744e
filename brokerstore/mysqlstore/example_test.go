package mysqlstore_test

import (
	"context"
	"database/sql"
	"log"

	_ "github.com/go-sql-driver/mysql"

	"github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A store from a URL, which is how an application usually names it.
func Example() {
	opened, err := store.Open("mysql://oidcauth:password@localhost/app")
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
	db, err := sql.Open("mysql", "app:password@tcp(localhost)/app")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the program ends
	if err := mysqlstore.New(db).Init(context.Background()); err != nil {
		log.Fatal(err)
	}
}
