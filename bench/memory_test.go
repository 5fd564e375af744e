package main

import "testing"

// What is measured is what the Auth holds: about as much as its cached sessions, and not the rows of the store.
func TestMemory(t *testing.T) {
	for name, hold := range map[string]func() (int64, error){
		"tokens":   func() (int64, error) { return holdTokens(t.Context(), 200) },
		"browsers": func() (int64, error) { return holdBrowsers(t.Context(), 200) },
	} {
		bytes, err := hold()
		if err != nil || bytes < 200*1000 || bytes > 200*7000 {
			t.Errorf("%s: %d bytes for each, %v", name, bytes/200, err)
		}
	}
}
