// Package fault describes what went wrong: a kind, which says who can correct it, and a cause. It has no HTTP status and no text
// for clients; package core derives those, in one file. Code that needs to know what happened checks the kind or the cause,
// never the answer to the client.
package fault

import (
	"errors"
	"log/slog"
	"time"
)

// Kind says who can correct a fault.
type Kind uint8

// The kinds.
const (
	Internal   Kind = iota // a fault of this service; also every error of another type
	Request                // the request is malformed, or asks for something that is not offered
	Missing                // the request has no credentials
	Token                  // a token is not accepted; the cause is one of the reasons in reasons.go
	Lacking                // a valid token lacks a scope or a claim
	Foreign                // another site made the browser send the request
	Grant                  // the provider does not accept a code, a refresh token or a device code
	Pending                // the user of a device has not answered yet, or the device polls too often
	Refused                // the provider refuses the caller for another reason, see Code
	State                  // the state of a login is invalid, expired or already used
	Login                  // the provider's answer to a login does not verify
	Weak                   // the login verifies, but is not as strong or as recent as was asked for
	Target                 // an exchange asks for another audience
	Subject                // the subject token of an exchange is not accepted
	Ended                  // the session has ended, or never existed
	Nobody                 // nothing is known about this person
	NotOffered             // the provider does not offer this to this service
	Client                 // the provider refuses this service: its credentials or its registration
	Unusable               // an unusable answer
	Outage                 // something is temporarily unreachable
)

// Part says what is unreachable or unusable.
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
	Signer                  // the key of the client, which signs its requests
	Lookup                  // the endpoint that says whether an opaque token is active
	Permissions             // the source of a CheckRequest of the application
	Tenants                 // what the application knows about the issuers of its tenants
	TokenType               // the type of the provider's token
	Person                  // the provider's claims about the person who logged in
	Size                    // the size of the provider's claims about a person
	Endpoint                // an endpoint that discovery does not name, see Name
	Member                  // a member that an answer lacks, see Name
)

// Error is one fault. It is immutable and may be shared.
type Error struct {
	Kind  Kind
	Part  Part          // of Outage and Unusable
	Code  string        // the OAuth error code of a provider that refused; one of the registered codes
	Name  string        // of the missing endpoint or member; a fixed word
	Err   error         // the cause; nil if the kind is enough
	After time.Duration // of Outage: how long the other side wants no request; 0: it does not say
	Want  []slog.Attr   // what was required of a token, for the log; never a part of the token
}

// New makes a fault with a cause.
func New(kind Kind, cause error) *Error { return &Error{Kind: kind, Err: cause} }

// Down makes a fault of kind Outage.
func Down(part Part, cause error) *Error { return &Error{Kind: Outage, Part: part, Err: cause} }

// Bad makes a fault of kind Unusable.
func Bad(part Part, cause error) *Error { return &Error{Kind: Unusable, Part: part, Err: cause} }

// Error returns the kind and the cause, for logs.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var names = map[Kind]string{
	Target: "another target", Subject: "subject token not accepted",
	Foreign:  "request of another site",
	Internal: "internal error", Request: "bad request", Missing: "no credentials", Token: "token not accepted", Lacking: "requirement not met",
	Grant: "grant not accepted by the provider", Pending: "authorization pending", Refused: "refused by the provider",
	State: "login state not valid", Login: "login not valid", Weak: "login not as strong or as recent as was asked for", Ended: "session ended", Nobody: "nothing is known about this person", NotOffered: "not offered by the provider", Client: "the provider refuses this service",
	Unusable: "unusable answer", Outage: "unreachable",
}

// Of returns the kind of an error, [Internal] for one without an [Error] in its chain. err must not be nil.
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

// Find returns the first [Error] in an error's chain, nil if there is none.
func Find(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
