// Package storetest tests stores against the contract of [store.Store]. A store calls [Run] in a test, with a [Backend] that opens the real
// database.
package storetest
