// Package parts starts software of other projects: OpenID providers and clients, and a browser in package chromium. Servers listen on a
// free port of loopback and stop with the test, or with the test binary if tests share them. Downloads come from the package registry
// of the language, in a fixed version, and are cached in the user's cache folder. If software is not installed, the test is skipped, or
// fails if the environment variable CI is true; the message has the command that installs it. Safe for concurrent use.
package parts
