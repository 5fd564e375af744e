// Package sqlitestore keeps what broker mode needs in an SQLite file, or in memory, by way of modernc.org/sqlite, which
// needs no C compiler. Importing it makes sqlite:// URLs known to [store.Open]; [New] takes a handle that the
// application has already. The tables are described in package sqlstore.
//
// A file serves all processes of one machine. It must not lie on a network file system, where SQLite's locks fail.
package sqlitestore
