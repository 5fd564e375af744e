package mongostore

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func init() { store.Register(open, "mongodb", "mongodb+srv") }

// errURL stands for every fault of a URL: what the parser says quotes it.
var errURL = errors.New("not a URL like mongodb://[user:password@]host[:port][,…]/database[?options], or mongodb+srv with one host; the database is needed, user and password are percent-encoded")

// errConnect is what remains for a URL that Open has taken: the records of a mongodb+srv name, or options in them.
var errConnect = errors.New("the host names of the URL cannot be looked up, or what the look-up brings is not valid")

// open makes a store from a URL and connects to nothing. The records of a mongodb+srv URL are looked up by Init.
func open(address string) (store.Store, error) {
	name, err := databaseName(address)
	if err == nil && strings.HasPrefix(address, "mongodb://") {
		err = options.Client().ApplyURI(address).Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("mongostore: open: %w", errURL)
	}
	return &Store{dial: func() (*mongo.Database, error) {
		client, err := mongo.Connect(options.Client().ApplyURI(address))
		if err != nil {
			return nil, errConnect
		}
		return client.Database(name), nil
	}}, nil
}

// databaseName returns the path of the URL, in which only percent-encoding can hide a slash.
func databaseName(address string) (string, error) {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	hosts, path, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(path)
	if err != nil || hosts == "" || name == "" || len(name) > 63 || strings.ContainsAny(name, "/\\. \"$*<>:|?\x00") {
		return "", errURL
	}
	return name, nil
}
