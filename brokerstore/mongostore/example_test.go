package mongostore_test

import (
	"context"
	"log"

	"github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A client of the program's own, with its settings, which the store leaves open.
func ExampleNew() {
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://localhost:27017"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()

	store := mongostore.New(client.Database("broker")) // goes into core.Config.Store
	defer func() { _ = store.Close() }()
}
