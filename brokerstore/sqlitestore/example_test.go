package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A store from a URL, which is how an application usually names it.
func Example() {
	opened, err := store.Open("sqlite://") // in memory; a file is sqlite:///broker.sqlite
	if err != nil {
		log.Fatal(err)
	}
	defer opened.Close() //nolint:errcheck // the program ends
	ctx := context.Background()
	if err := opened.Init(ctx); err != nil {
		log.Fatal(err)
	}
	keys, err := opened.Keys(ctx)
	fmt.Println(len(keys), err)
	// Output: 0 <nil>
}

// A store on a handle that the application uses for its own tables too, and closes itself.
func ExampleNew() {
	directory, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory) //nolint:errcheck // the program ends
	db, err := sql.Open("sqlite", "file://"+filepath.Join(directory, "app.sqlite")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the program ends

	opened, ctx := sqlitestore.New(db), context.Background()
	if err := opened.Init(ctx); err != nil {
		log.Fatal(err)
	}
	now := time.Now()
	if err := opened.Revoke(ctx, "a session", 0, now, now.Add(time.Minute)); err != nil {
		log.Fatal(err)
	}
	var rows int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM oidcauth_revocations").Scan(&rows)
	fmt.Println(rows, err)
	// Output: 1 <nil>
}
