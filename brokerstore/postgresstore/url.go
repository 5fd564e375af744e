package postgresstore

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

// Open makes a store from a URL: postgres://user:password@host:5432/database?sslmode=verify-full. Beside the parameters of libpq, the C
// library of PostgreSQL, the URL may contain parameters of the server, such as search_path. The environment variables and the password file
// of libpq also count. Defaults: connect_timeout is 10 seconds, sslmode is "prefer".
//
// ssl is another name for sslmode; its values true and false mean verify-full and disable, as Python's drivers write them. With several
// hosts, the store uses the one that accepts writes.
//
// Open does not connect. It returns an error for an invalid URL, for ssl beside sslmode, and for a target_session_attrs other than
// read-write and primary, because a standby lags behind. An error contains no part of the URL except names of parameters and of files
// (certificates and keys).
func Open(rawURL string) (*sqlstore.Store, error) {
	config, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	sqlstore.LimitPool(db)
	return sqlstore.Own(db, dialect), nil
}

var errURL = errors.New("postgresstore: the URL is not of the form postgres://user:password@host:5432/database?sslmode=verify-full")

func parse(rawURL string) (*pgx.ConnConfig, error) {
	base, query, _ := strings.Cut(rawURL, "?")
	parameters, err := url.ParseQuery(query)
	if err != nil || strings.Contains(base, "#") || !strings.Contains(base, "://") {
		return nil, errURL
	}
	if err := translate(parameters, strings.Contains(base, ",")); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(base + "?" + parameters.Encode())
	if err != nil {
		return nil, unreadable(err)
	}
	if parameters.Get("connect_timeout") == "" {
		config.ConnectTimeout = 10 * time.Second // pgx waits for two minutes
	}
	return config, nil
}

// translate brings parameters into libpq's words.
func translate(parameters url.Values, severalHosts bool) error {
	if ssl := parameters.Get("ssl"); ssl != "" {
		if parameters.Has("sslmode") {
			return errors.New("postgresstore: ssl and sslmode are two names for the same: write one")
		}
		switch strings.ToLower(ssl) {
		case "true":
			ssl = "verify-full"
		case "false":
			ssl = "disable"
		}
		parameters.Set("sslmode", ssl)
	}
	parameters.Del("ssl")
	switch parameters.Get("target_session_attrs") {
	case "":
		if severalHosts {
			parameters.Set("target_session_attrs", "read-write")
		}
	case "read-write", "primary":
	default:
		return errors.New("postgresstore: target_session_attrs can be read-write or primary: a standby lags behind")
	}
	return nil
}

// unreadable words what pgx says without the URL, which its own errors quote. It says when a file is missing.
func unreadable(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("postgresstore: a file that the URL or the environment names: %w", file)
	}
	return errURL
}
