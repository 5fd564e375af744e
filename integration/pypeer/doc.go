// Package pypeer tests services here beside services with the unmodified Python library py-oidc-auth in broker mode: as
// peers that accept each other's tokens, and as what takes one's place.
package pypeer
