package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // StoreURL may begin with sqlite://
)

// The persistent data of the demo is in one folder. File names contain the port of the application: the next demo on this port
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

// storeURL returns the URL of an application's SQLite file: sqlite:/// and the path.
func storeURL(data, base string) string {
	return "sqlite:///" + filepath.ToSlash(filepath.Join(data, "app-"+port(base)+".sqlite"))
}

// providerFile returns the file in which the provider of an application keeps its logins.
func providerFile(data, base string) string {
	return filepath.Join(data, "provider-"+port(base)+".json")
}

func port(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Port()
}

// nextAddr returns addr with the port increased; port 0, any free port, stays 0.
func nextAddr(addr string, further int) (string, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	number, err := net.LookupPort("tcp", text)
	if err != nil || number == 0 {
		return addr, err
	}
	return net.JoinHostPort(host, strconv.Itoa(number+further)), nil
}
