package mongostore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestMain(m *testing.M) { dbserver.Main(m) }

func TestStore(t *testing.T) { storetest.Run(t, storetest.Backend{Place: place}) }

// place is one database of the server.
func place(t testing.TB) storetest.Place {
	url, address := dbserver.MongoDB(t)
	return storetest.Place{
		Handle: func(t testing.TB) (store.Store, func(context.Context) error) {
			db := database(t, url)
			return mongostore.New(db), func(ctx context.Context) error { return db.Client().Ping(ctx, nil) }
		},
		URL: url, Address: address,
	}
}

// database connects a client of the test's own.
func database(t testing.TB, url string) *mongo.Database {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(url[strings.LastIndex(url, "/")+1:])
}
