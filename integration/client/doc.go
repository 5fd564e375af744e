// Package client tests core/oidctest, and the token routes of the adapters, with OAuth clients of other projects.
package client
