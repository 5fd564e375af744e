// Package app runs a small application on each of the five adapters, for tests of it with software that nobody here wrote.
package app
