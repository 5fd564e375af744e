// Package mysqlstore keeps the sessions, signing keys and revocations of a service in MySQL 5.7 or later, or MariaDB 10.2 or
// later, with the driver go-sql-driver/mysql.
//
// Browser sessions and broker mode need a store. Import the package, and name the database in the configuration:
//
//	import _ "github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"
//
//	cfg.StoreURL = "mysql://user:password@host:3306/database?tls=true"
//
// The schemes are mysql and mariadb. The parameters are tls or ssl, charset, connect_timeout and unix_socket; [Open] documents them. A URL
// with another parameter is an error. By default the connection is not encrypted: write tls=true. Percent-encode special characters in
// user, password and database.
//
// [New] takes a database handle that the application already has, and leaves it open; pass the store in core.Config.Store. The
// service creates and upgrades its tables by itself. All instances of a service use the same store.
//
// Package sqlstore describes the tables. The store needs a strict sql_mode, in which a value that does not fit is an error, and any
// binlog_format except STATEMENT. Both are the defaults of the servers.
package mysqlstore
