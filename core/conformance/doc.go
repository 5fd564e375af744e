// Package conformance tests the parser of tokens and key sets against two other libraries, and in package wycheproof against the
// test vectors of Project Wycheproof. It is a separate module that is never released, so that no other module gets its dependencies.
package conformance
