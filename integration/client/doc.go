// Package client tests core/oidctest, and the token routes of the four adapters, with OAuth clients that nobody here wrote.
package client
