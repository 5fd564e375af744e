//go:build !boringcrypto

package jose

const boringCrypto = false
