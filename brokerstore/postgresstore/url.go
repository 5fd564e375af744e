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

// Open makes a store from a URL as libpq knows it: postgres://user:password@host:5432/database?sslmode=verify-full, with
// its parameters, its environment variables and its password file, and parameters of the server such as search_path.
// ssl is another name for sslmode, as Python's drivers write it. With several hosts, the one that can be written to is
// taken. Open connects to nothing; its errors hold nothing of the URL but names of parameters.
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
