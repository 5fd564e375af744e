// Package storetest holds every store to the contract of [store.Store]: one suite, run on the real database.
package storetest
