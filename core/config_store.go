package core

import (
	"cmp"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// defaultAppName is the folder of the default SQLite file.
const defaultAppName = "oidcauth"

// checkStore adds the errors of the store's settings that it can find without opening the store.
func (c *Config) checkStore(f *faults) {
	if c.AppName != "" && (!isAlphanumeric(c.AppName, "-._ ") || strings.HasPrefix(c.AppName, ".")) {
		f.add("AppName", "%q: write a name of letters, digits, -, _, spaces and dots, not a path", c.AppName)
	}
}

// needsStore reports whether the configuration uses a store.
func (c *Config) needsStore() bool { return c.Broker != nil || c.Sessions != nil }

// openStore opens the store of sessions and broker mode without connecting, and adds the errors. A store that other machines may
// share requires SecretKeys.
func (c *Config) openStore(f *faults) {
	if !c.needsStore() {
		return
	}
	if c.Store == nil {
		address, err := c.storeURL()
		if err == nil {
			c.Store, err = store.Open(address)
		}
		if err != nil {
			f.add("StoreURL", "%w", err)
			return
		}
		c.ownStore = true
	}
	if len(c.SecretKeys) == 0 {
		if _, err := secretFileOf(c.Store); err != nil {
			f.add("SecretKeys", "%w", err)
		}
	}
}

// closeOwnStore closes the store that openStore opened, if any.
func (c *Config) closeOwnStore() error {
	if !c.ownStore {
		return nil
	}
	return c.Store.Close()
}

// storeURL returns StoreURL, or the address of the default SQLite file.
func (c *Config) storeURL() (string, error) {
	if c.StoreURL != "" {
		return c.StoreURL, nil
	}
	directory, err := userDataDir()
	if err != nil {
		return "", err
	}
	return "sqlite:///" + filepath.ToSlash(filepath.Join(directory, cmp.Or(c.AppName, defaultAppName), "broker.sqlite")), nil
}

// userDataDir returns the platform's directory for a user's data, on Unix by the XDG base directory specification.
func userDataDir() (string, error) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return os.UserConfigDir()
	}
	if directory := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(directory) {
		return directory, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("empty, and the user has no home directory: write the URL of a store")
	}
	return filepath.Join(home, ".local", "share"), nil
}

// isUnencrypted reports whether a store's URL connects to MySQL or Redis on another machine without TLS.
func isUnencrypted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || isLoopback(u.Hostname()) {
		return false
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	switch query := u.Query(); scheme {
	case "redis":
		return true
	case "mysql", "mariadb":
		tls := strings.ToLower(cmp.Or(query.Get("tls"), query.Get("ssl")))
		return !query.Has("unix_socket") && tls != "true" && tls != "skip-verify"
	default:
		return false
	}
}
