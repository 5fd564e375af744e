// Package parts starts software that nobody here wrote: OpenID providers, clients, and a browser in package chromium. Each on loopback, on a free
// port, ended with the test; what has to be fetched comes from the package registry of its language into the user's cache,
// by the exact version that stands here. What is not installed skips the test and is named with the command that installs
// it; where the environment variable CI is true it fails the test. Safe for concurrent use.
package parts
