// Package conformance compares the parser of tokens and key sets with the vectors of Project Wycheproof and with two other
// libraries. It is a separate module that is never released, so that no other module gets its dependencies.
package conformance
