package main

import (
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // StoreURL may begin with sqlite://
)

// The persistent data of the demo is in one folder. File names contain the port of the services: the next demo on this port
// continues with them, and a demo on other ports has its own files.

// dataFolder creates the folder, readable only by its owner; "" means oidcauth-demo in the user's cache directory.
func dataFolder(name string) (string, error) {
	if name == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		name = filepath.Join(cache, "oidcauth-demo")
	}
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return name, os.MkdirAll(name, 0o700)
}

// storeURL returns the URL of the services' SQLite file: sqlite:/// and the path.
func storeURL(data, base string) string {
	return "sqlite:///" + filepath.ToSlash(fileOf(data, base, "sessions", "sqlite"))
}

// fileOf returns the name of a file of the demo.
func fileOf(data, base, kind, ending string) string {
	return filepath.Join(data, kind+"-"+port(base)+"."+ending)
}

func port(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Port()
}
