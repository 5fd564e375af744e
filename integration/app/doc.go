// Package app runs a small application on any of the five adapters, for tests with providers, clients and browsers of other projects.
package app
