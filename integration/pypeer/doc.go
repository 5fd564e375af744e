// Package pypeer tests a Go service together with a service that uses the unmodified Python library py-oidc-auth in broker mode: as
// peers that accept each other's tokens, and as the replacement of the Python service.
package pypeer
