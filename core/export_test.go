package core

// IsReturnTo is isReturnTo, for its fuzz target.
func IsReturnTo(address string) bool { return isReturnTo(address) }
