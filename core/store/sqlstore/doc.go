// Package sqlstore implements [store.Store] with database/sql, for SQLite, PostgreSQL and MySQL. An application imports
// brokerstore/sqlitestore, brokerstore/postgresstore or brokerstore/mysqlstore instead, which add the driver and parse the
// database's URL.
//
// # The data
//
// There are three tables, oidcauth_keys, oidcauth_sessions and oidcauth_revocations. A fourth, oidcauth_migrations, has the
// version of the schema. Columns whose names end in _ms are Unix milliseconds; -62135596800000, Go's zero time, means none. Texts
// are compared byte for byte. A text column may refuse a text with a zero byte or invalid UTF-8: such a text is stored as \x and its
// hexadecimal digits, and so is a text that itself begins with \x.
//
// # Errors
//
// An error reads "sqlstore: add key: " and the text of the driver. It contains no values and no password. When the context has
// ended, [errors.Is] finds [context.Canceled] or [context.DeadlineExceeded] in it.
package sqlstore
