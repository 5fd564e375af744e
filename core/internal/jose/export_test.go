package jose

// Prepared reports whether the key verifies without crypto/rsa.
func (k Key) Prepared() bool { return k.prepared != nil }
