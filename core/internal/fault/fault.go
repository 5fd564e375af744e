// Package fault says what went wrong: a kind, which tells who can do something about it, and a cause. It has no HTTP status
// and no text for clients: package core makes those, in one file. Code that has to know what happened asks for the kind or
// the cause, never for what a client was told.
package fault

import (
	"errors"
	"log/slog"
)

// Kind says who can do something about a fault.
type Kind uint8

// The kinds.
const (
	Internal   Kind = iota // a fault of this service; also what an error of another type counts as
	Request                // the request is malformed, or asks for what is not offered
	Missing                // the request has no credentials
	Token                  // a token is not accepted; the cause is one of the reasons in reasons.go
	Lacking                // a good token lacks a scope or a claim
	Grant                  // the provider does not accept a code, a refresh token or a device code (any more)
	Pending                // the user of a device has not answered yet, or the device asks too often
	Refused                // the provider refuses the caller for another reason, see Code
	State                  // the state of a login does not open, is too old, or was used
	Login                  // what the provider says about who logged in does not hold
	Target                 // an exchange asks for another audience
	Subject                // the subject token of an exchange is not accepted
	Ended                  // the session has ended, or there never was one
	Nobody                 // nothing is known about this person
	NotOffered             // the provider does not offer this to this service
	Client                 // the provider refuses this service: its credentials or its registration
	Unusable               // an answer that nobody can use
	Outage                 // something is out of reach, and may be back in a moment
)

// Part says what is out of reach, or unusable.
type Part uint8

// The parts.
const (
	Provider    Part = iota // a call to the provider
	Documents               // the provider's discovery document
	Keys                    // the provider's keys
	PeerKeys                // the keys of a trusted issuer
	Store                   // the session store
	Session                 // a session that another request is refreshing
	Service                 // this service, which is shutting down
	Permissions             // what a check of the application asks
	TokenType               // the type of the provider's token
	Person                  // what the provider says about who logged in
	Size                    // all that the provider says about a person
	Endpoint                // an endpoint that discovery does not name, see Name
	Member                  // a member that an answer lacks, see Name
)

// Error is one fault. It is read-only once made, and may be shared.
type Error struct {
	Kind Kind
	Part Part        // of Outage and Unusable
	Code string      // the OAuth error code of a provider that refused; one of the registered words
	Name string      // of what is missing; a fixed word
	Err  error       // the cause; nil where the kind says it all
	Want []slog.Attr // what a token was held against, for the log of the operator; never a part of the token
}

// New makes a fault with a cause.
func New(kind Kind, cause error) *Error { return &Error{Kind: kind, Err: cause} }

// Down makes an outage of a part.
func Down(part Part, cause error) *Error { return &Error{Kind: Outage, Part: part, Err: cause} }

// Bad makes an answer of the provider's that is unusable in a part.
func Bad(part Part, cause error) *Error { return &Error{Kind: Unusable, Part: part, Err: cause} }

// Error gives the kind and the cause, for logs.
func (e *Error) Error() string {
	text := names[e.Kind]
	if e.Name != "" {
		text += " (" + e.Name + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

var names = map[Kind]string{
	Target: "another target", Subject: "subject token not accepted",
	Internal: "internal error", Request: "bad request", Missing: "no credentials", Token: "token not accepted", Lacking: "requirement not met",
	Grant: "grant not accepted by the provider", Pending: "authorization pending", Refused: "refused by the provider",
	State: "login state not valid", Login: "login not valid", Ended: "session ended", Nobody: "nothing is known about this person", NotOffered: "not offered by the provider", Client: "the provider refuses this service",
	Unusable: "unusable answer", Outage: "out of reach",
}

// Of returns the kind of an error: [Internal] for one that is no fault. Of nil it is meaningless.
func Of(err error) Kind {
	if e := Find(err); e != nil {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a fault of the kind.
func Is(err error, kind Kind) bool {
	e := Find(err)
	return e != nil && e.Kind == kind
}

// Find returns the fault in an error's chain, nil when there is none.
func Find(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
