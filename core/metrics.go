package core

import (
	"context"
	"errors"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
)

// Event is one thing that happened, for Config.Metrics to count. All three texts are fixed words of this library, so that
// they make labels as they stand: nothing of a request, a token, a provider or a person is in them. [Events] has them all.
type Event struct {
	Kind    string // what happened: "verification", "fetch", "login", "refresh"
	Part    string // to which part; "" where there is only one
	Outcome string // how it went
}

// Events returns every event that there is, so that counters can be made before the first one comes: one that was never
// told is then a 0 and not a gap. The list may grow with a release; nothing leaves it or changes its meaning.
func Events() []Event { return slices.Clone(events) }

var events = slices.Concat(
	eventsOf("verification", []string{""}, verifications),
	eventsOf("fetch", documents, []string{outcomeOK, outcomeUnreachable, outcomeUnusable}),
	eventsOf("login", logins, endings),
	eventsOf("login", []string{grantDevice}, atDevices),
	eventsOf("refresh", []string{""}, endings),
)

func eventsOf(kind string, parts, outcomes []string) (all []Event) {
	for _, part := range parts {
		for _, outcome := range outcomes {
			all = append(all, Event{kind, part, outcome})
		}
	}
	return all
}

// documents are what is fetched and cached.
var documents = []string{observe.Discovery, observe.Keys, observe.TrustedKeys, observe.SigningKeys, observe.Revocations}

const (
	outcomeOK          = "ok"
	outcomeUnreachable = "unreachable"
	outcomeUnusable    = "unusable"
)

// metrics is Config.Metrics; nil tells nobody.
type metrics func(Event)

func (m metrics) tell(kind, part, outcome string) {
	if m != nil {
		m(Event{kind, part, outcome})
	}
}

// fetches tells of each fetch of a document.
func (m metrics) fetches() observe.Begin {
	if m == nil {
		return nil
	}
	return func(ctx context.Context, document string) (context.Context, func(error)) {
		return ctx, func(err error) { m.tell("fetch", document, fetchOutcome(document, err)) }
	}
}

// fetchOutcome: what comes over a network may be out of reach or no use; a store is out of reach, whatever it says, but
// for a key in it that does not open.
func fetchOutcome(document string, err error) string {
	switch {
	case err == nil:
		return outcomeOK
	case errors.Is(err, keyring.ErrSealed):
		return outcomeUnusable
	case document == observe.SigningKeys || document == observe.Revocations:
		return outcomeUnreachable
	case errors.Is(fetch.Fault(err), fetch.ErrUnreachable):
		return outcomeUnreachable
	default:
		return outcomeUnusable
	}
}
