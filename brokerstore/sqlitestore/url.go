package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Open makes a store from a URL:
//
//   - sqlite:// and sqlite:///:memory: keep the data in memory until Close
//   - sqlite:///broker.sqlite is a file in the working directory at the time of the call
//   - sqlite:////var/lib/app/broker.sqlite, with four slashes, is the file /var/lib/app/broker.sqlite
//   - sqlite:///~/broker.sqlite is a file in the user's home
//
// Open takes the path as it is written, without percent-decoding. It returns an error for a URL with parameters or a host, and for the
// path of a directory that ends with a slash. It does not create or open the file: [Store.Init] does.
func Open(rawURL string) (*Store, error) {
	path, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return openMemory()
	}
	return openFile(path)
}

// parse returns the whole path of the file, "" for memory.
func parse(rawURL string) (string, error) {
	_, path, found := strings.Cut(rawURL, "://")
	if !found {
		return "", errors.New("sqlitestore: the URL is not of the form sqlite:///broker.sqlite")
	}
	if strings.ContainsAny(path, "?#\x00") {
		return "", errors.New("sqlitestore: the URL has parameters, of which there are none")
	}
	path, slash := strings.CutPrefix(path, "/")
	switch {
	case path == "", slash && path == ":memory:":
		return "", nil
	case !slash:
		return "", errors.New("sqlitestore: the URL names a host: write three slashes before the path, sqlite:///broker.sqlite")
	case strings.HasSuffix(path, "/"):
		return "", errors.New("sqlitestore: the URL names a directory")
	}
	return whole(path)
}

// whole makes a path one that does not depend on the working directory.
func whole(path string) (string, error) {
	if rest, home := strings.CutPrefix(path, "~/"); home {
		directory, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("sqlitestore: %w", err)
		}
		path = filepath.Join(directory, rest)
	}
	path, err := filepath.Abs(filepath.FromSlash(path))
	if err != nil {
		return "", fmt.Errorf("sqlitestore: %w", err)
	}
	return path, nil
}

// openSource makes a store on a path in the words of the driver, with a number of connections. Transactions begin as
// writing ones: all of a store's write, and one that began by reading could not wait for another that writes. The wait is
// short because it does not end with the context; the store repeats it. FULL is one flush to disk for each commit: with
// less, the last commits are gone after a power failure, and a refresh token that was spent could be spent once more.
func openSource(path, parameter, value string, connections int) (*sql.DB, error) {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(100)", "synchronous(FULL)"}, parameter: {value}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
