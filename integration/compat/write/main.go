// Command write writes docs/compatibility.md from the rows that the tests have written to a folder.
//
//	write ROWS docs/compatibility.md
package main

import (
	"log"
	"os"

	"github.com/go-oidc-auth/oidcauth/integration/compat"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: write ROWS FILE")
	}
	rows, err := compat.Read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if len(rows) == 0 {
		log.Fatal("no test has left a row")
	}
	if err := os.WriteFile(os.Args[2], []byte(compat.Page(rows)), 0o644); err != nil {
		log.Fatal(err)
	}
}
