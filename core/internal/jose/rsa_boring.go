//go:build boringcrypto

package jose

// boringCrypto says that BoringCrypto stands behind the standard library (GOEXPERIMENT=boringcrypto).
const boringCrypto = true
