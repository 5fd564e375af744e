// Package integration tests the library on real parts, in several processes. It is never released.
package integration
