package core

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// defaultAppName is the folder of the default SQLite file.
const defaultAppName = "oidcauth"

// checkStore adds the faults of the store's settings that show without opening it.
func (c *Config) checkStore(f *faults) {
	if c.AppName != "" && (!isAlphanumeric(c.AppName, "-._ ") || strings.HasPrefix(c.AppName, ".")) {
		f.add("AppName", "write a name of letters, digits, -, _, spaces and dots, not a path")
	}
}

// openStore returns the store of the configuration, which connects to nothing yet, and whether it is ours to close.
func (c *Config) openStore() (db store.Store, ours bool, err error) {
	if c.Store != nil {
		return c.Store, false, nil
	}
	address := c.StoreURL
	if address == "" {
		directory, err := userDataDir()
		if err != nil {
			return nil, false, err
		}
		file := filepath.ToSlash(filepath.Join(directory, c.AppName, "broker.sqlite"))
		address = "sqlite:///" + file
	}
	db, err = store.Open(address)
	if err != nil {
		return nil, false, errors.New("core: Config.StoreURL: " + err.Error())
	}
	return db, true, nil
}

// userDataDir is where the platform keeps a user's data: the XDG base directories on Unix.
func userDataDir() (string, error) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return os.UserConfigDir()
	}
	if directory := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(directory) {
		return directory, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("core: Config.StoreURL: the user has no home directory: name a store")
	}
	return filepath.Join(home, ".local", "share"), nil
}
