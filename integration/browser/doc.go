// Package browser tests the auth routes, and the demo's page, with a real browser.
package browser
