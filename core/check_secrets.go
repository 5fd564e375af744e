package core

// Bounds of SecretKeys.
const (
	minSecretKey   = 32 // bytes
	minSecretBytes = 8  // different ones; of 32 random hexadecimal digits, one key in ten million has fewer
)

// keyAdvice ends every error about SecretKeys.
const keyAdvice = "write the output of: openssl rand -base64 48"

// checkSecrets adds the faults of SecretKeys, which are not named by their values. Guessable keys are refused: a login's
// state is sealed with the first, so that anybody who starts a login can test guesses without asking this service.
func (c *Config) checkSecrets(f *faults) {
	for i, secret := range c.SecretKeys {
		switch {
		case len(secret) < minSecretKey:
			f.add("SecretKeys", "entry %d has %d bytes, not %d or more: %s", i, len(secret), minSecretKey, keyAdvice)
		case differentBytes(secret) < minSecretBytes:
			f.add("SecretKeys", "entry %d can be guessed, it has only %d different bytes: %s", i, differentBytes(secret), keyAdvice)
		case repeated(secret) > 0:
			f.add("SecretKeys", "entry %d can be guessed, it repeats the same %d bytes: %s", i, repeated(secret), keyAdvice)
		case secret == knownTestKey:
			f.add("SecretKeys", "entry %d is a key that was published for tests: %s", i, keyAdvice)
		}
	}
}

// knownTestKey stood in the source of oidctest.
const knownTestKey = "oidctest: a key for tests and demos, never for more"

// differentBytes returns how many different bytes text has.
func differentBytes(text string) int {
	seen := make(map[byte]bool)
	for i := range len(text) {
		seen[text[i]] = true
	}
	return len(seen)
}

// repeated returns the length of a pattern shorter than a key that text repeats twice or more, 0 if there is none. The last
// repetition may be cut off.
func repeated(text string) int {
	for length := 1; length < minSecretKey && length <= len(text)/2; length++ {
		if text[length:] == text[:len(text)-length] {
			return length
		}
	}
	return 0
}
