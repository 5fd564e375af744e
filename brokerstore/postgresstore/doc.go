// Package postgresstore keeps what broker mode needs in PostgreSQL, by way of pgx. Importing it makes postgres:// and
// postgresql:// URLs known to [store.Open]; [New] takes a handle that the application has already. The tables are
// described in package sqlstore.
package postgresstore
