// Package wycheproof runs the vectors of Project Wycheproof that are about JSON Web Tokens. It is apart from the rest
// because the vectors make its test binary a hundred megabytes large.
package wycheproof
