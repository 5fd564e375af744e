// Package soak runs an application with browser sessions and tokens of its own for as long as it is told: two instances on one store, under
// steady load, while the provider and the store fail, the provider's key changes and one instance is killed. `make soak-app` runs it.
package soak
