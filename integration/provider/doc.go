// Package provider tests the four adapters with OpenID providers that nobody here wrote.
package provider
