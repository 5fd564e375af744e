// Package mongostore keeps what a service in broker mode stores in MongoDB 4.4 or later. Importing the package is enough
// for URLs; the database is named in the path:
//
//	package main
//
//	import (
//		"log"
//
//		"github.com/go-oidc-auth/oidcauth/core/store"
//
//		_ "github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
//	)
//
//	func main() {
//		store, err := store.Open("mongodb://localhost:27017/broker")
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer store.Close()
//	}
//
// [New] takes a database of a client that the program has already. Every step is a write of one document, so that no
// transaction is needed and a single server will do as well as a replica set.
package mongostore
