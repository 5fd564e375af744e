// Package brokertest holds every store to the contract of [broker.Store]: one suite, run on the real database.
package brokertest
