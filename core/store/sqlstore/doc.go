// Package sqlstore is [store.Store] over database/sql, written once for SQLite, PostgreSQL and MySQL. An application
// imports brokerstore/sqlitestore, brokerstore/postgresstore or brokerstore/mysqlstore, which bring the driver; what
// those cannot share with each other is all that they hold.
//
// # The data
//
// Three tables, oidcauth_keys, oidcauth_sessions and oidcauth_revocations, and oidcauth_migrations, which says how far
// the schema is. Columns that end in _ms are Unix milliseconds; -62135596800000, Go's zero time, is none. Texts are kept
// as they are and compared byte for byte; one that a text column could refuse, for a zero byte or bytes that are no
// UTF-8, is kept as \x and its hexadecimal digits, as is one that begins with \x itself.
//
// # Errors
//
// An error reads "sqlstore: add key: " and what the driver said. It holds neither values nor a password. When the
// context has ended, [errors.Is] finds [context.Canceled] or [context.DeadlineExceeded] in it.
package sqlstore
