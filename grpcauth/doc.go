// Package grpcauth guards gRPC servers with OpenID Connect.
package grpcauth
