// Package conformance holds the reader of tokens and key sets against what others have written: the vectors of Project
// Wycheproof, and two other libraries. It is a module of its own, which is never released, so that its dependencies are
// nobody else's.
package conformance
