// Package provider tests the adapters with OpenID providers of other projects.
package provider
