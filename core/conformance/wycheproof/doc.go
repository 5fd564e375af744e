// Package wycheproof tests the parser of tokens and keys with the test vectors of Project Wycheproof. It is a separate package because
// the vectors make its test binary a hundred megabytes large.
package wycheproof
