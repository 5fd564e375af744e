package mysqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

// Open makes a store from a URL: mysql://user:password@host:3306/database, or mariadb://, with each part percent-encoded. Without a host
// it is 127.0.0.1, without a port 3306. The database is required. Parameters:
//
//   - tls or ssl: false (the default, not encrypted); preferred (TLS if the server offers it, without verification); true (TLS, and the
//     certificate is verified); skip-verify (TLS without verification)
//   - charset: utf8mb4 (the default) or utf8, which also means utf8mb4 here
//   - connect_timeout: seconds, at least 1; default 10
//   - unix_socket: path of the server's socket, used instead of the host
//
// Open does not connect. It returns an error for an invalid URL, and for an unknown parameter or value. The error contains no part of the
// URL except names of parameters.
func Open(rawURL string) (*sqlstore.Store, error) {
	config, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errURL
	}
	db := sql.OpenDB(connector)
	sqlstore.LimitPool(db)
	return sqlstore.Own(db, dialect), nil
}

var errURL = errors.New("mysqlstore: the URL is not of the form mysql://user:password@host:3306/database")

func parse(rawURL string) (*mysql.Config, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return nil, errURL
	}
	config := mysql.NewConfig()
	config.Logger = &mysql.NopLogger{}
	config.Timeout = 10 * time.Second
	config.Collation = "utf8mb4_bin"
	// A value that does not fit is an error and not cut off, whatever the server's own default is. A server that waits for
	// a row notices late that no caller waits for the answer.
	config.Params = map[string]string{"sql_mode": "'TRADITIONAL'", "innodb_lock_wait_timeout": "10"}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.DBName = strings.TrimPrefix(u.Path, "/")
	if config.DBName == "" {
		return nil, errors.New("mysqlstore: the URL names no database")
	}
	config.Net, config.Addr = "tcp", net.JoinHostPort(orDefault(u.Hostname(), "127.0.0.1"), orDefault(u.Port(), "3306"))
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errURL
	}
	for name, values := range query {
		set, known := parameters[name]
		if !known {
			return nil, fmt.Errorf("mysqlstore: unknown parameter %q", name)
		}
		if !set(config, values[len(values)-1]) {
			return nil, fmt.Errorf("mysqlstore: the parameter %s has a value that is not among the known ones", name)
		}
	}
	return config, nil
}

func orDefault(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}

// parameters are those of the URL; false is a value that is none.
var parameters = map[string]func(*mysql.Config, string) bool{
	"tls": setTLS,
	"ssl": setTLS,
	"charset": func(_ *mysql.Config, value string) bool {
		return slices.Contains([]string{"utf8mb4", "utf8"}, strings.ToLower(value))
	},
	"connect_timeout": func(config *mysql.Config, value string) bool {
		seconds, err := strconv.ParseUint(value, 10, 16)
		config.Timeout = time.Duration(seconds) * time.Second
		return err == nil && seconds > 0
	},
	"unix_socket": func(config *mysql.Config, value string) bool {
		config.Net, config.Addr = "unix", value
		return value != ""
	},
}

func setTLS(config *mysql.Config, value string) bool {
	config.TLSConfig = strings.ToLower(value)
	return slices.Contains([]string{"true", "false", "preferred", "skip-verify"}, config.TLSConfig)
}
