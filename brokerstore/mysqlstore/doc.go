// Package mysqlstore keeps what broker mode needs in MySQL or MariaDB, by way of go-sql-driver/mysql. Importing it makes
// mysql:// and mariadb:// URLs known to [store.Open]; [New] takes a handle that the application has already. The tables
// are described in package sqlstore.
package mysqlstore
