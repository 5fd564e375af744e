package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore" // StoreURL may begin with sqlite://
)

// What outlives the demo lies in one folder. The names of its files hold the application's port: who listens there next
// time goes on with them, and a second demo at other ports has files of its own.

// dataFolder makes the folder, readable by its owner alone; "" is oidcauth-demo in the user's cache directory.
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

// storeURL names the SQLite file of an application: sqlite:/// and the path.
func storeURL(data, base string) string {
	return "sqlite:///" + filepath.ToSlash(filepath.Join(data, "app-"+port(base)+".sqlite"))
}

// providerFile is where the provider beside an application keeps its logins.
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

// nextAddr is addr some ports further on; port 0, any free one, stays.
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
