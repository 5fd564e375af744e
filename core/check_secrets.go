package core

// Bounds of SecretKeys.
const (
	minSecretKey   = 32 // bytes
	minSecretBytes = 8  // different ones; of 32 random hexadecimal digits, one key in ten million has fewer
)

// keyAdvice ends every error about SecretKeys.
const keyAdvice = "write the output of: openssl rand -base64 48"

// checkSecrets adds the errors of SecretKeys, without their values. It refuses guessable keys: the first key seals the state of
// a login, so anybody who starts a login can test guesses offline.
func (c *Config) checkSecrets(f *faults) {
	for i, secret := range c.SecretKeys {
		switch {
		case len(secret) < minSecretKey:
			f.add("SecretKeys", "entry %d has %d bytes, fewer than %d: %s", i, len(secret), minSecretKey, keyAdvice)
		case differentBytes(secret) < minSecretBytes:
			f.add("SecretKeys", "entry %d can be guessed, it has only %d different bytes: %s", i, differentBytes(secret), keyAdvice)
		case repeated(secret) > 0:
			f.add("SecretKeys", "entry %d can be guessed, it repeats the same %d bytes: %s", i, repeated(secret), keyAdvice)
		case secret == knownTestKey:
			f.add("SecretKeys", "entry %d is a published key for tests: %s", i, keyAdvice)
		}
	}
}

// knownTestKey was a constant in oidctest.
const knownTestKey = "oidctest: a key for tests and demos, never for more"

// differentBytes returns how many different bytes text has.
func differentBytes(text string) int {
	seen := make(map[byte]bool)
	for i := range len(text) {
		seen[text[i]] = true
	}
	return len(seen)
}

// repeated returns the length of the shortest pattern that text consists of, 0 if there is none: at most half of text, and
// shorter than minSecretKey. The last repetition may be incomplete.
func repeated(text string) int {
	for length := 1; length < minSecretKey && length <= len(text)/2; length++ {
		if text[length:] == text[:len(text)-length] {
			return length
		}
	}
	return 0
}
