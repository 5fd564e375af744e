// Package mysqlstore keeps the sessions, signing keys and revocations of a service in MySQL 5.7 or later, or MariaDB 10.2 or
// later, with the driver go-sql-driver/mysql.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"
//
//	cfg.StoreURL = "mysql://user:password@host:3306/database?tls=true"
//
// The schemes are mysql and mariadb. The parameters are tls or ssl (true, false, preferred, skip-verify), charset (utf8mb4),
// connect_timeout (seconds) and unix_socket; others are refused. Without tls=true the connection is not encrypted. Special
// characters in user, password and database are percent-encoded.
//
// [New] takes a database handle that the application has already, and leaves it open; pass the store in core.Config.Store. The
// service makes and upgrades its tables by itself; all instances of a service use the same store.
//
// The tables are described in package sqlstore. They need a strict sql_mode, and any binlog_format but STATEMENT: the defaults of
// the servers.
package mysqlstore
