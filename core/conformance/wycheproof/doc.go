// Package wycheproof runs the vectors of Project Wycheproof for JSON Web Tokens. It is a separate package because the vectors
// make its test binary a hundred megabytes large.
package wycheproof
