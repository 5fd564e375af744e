// Package integration tests the library with real providers, clients and databases, in several processes. The module is never released.
package integration
