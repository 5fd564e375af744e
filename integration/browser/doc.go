// Package browser tests the auth routes, browser sessions and the demo with a real browser.
package browser
