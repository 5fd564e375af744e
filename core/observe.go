package core

import (
	"context"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
)

// Event describes what happened. Its fields are fixed words of this library and can be used as labels: they never contain text
// of a request, a token, a provider or a person. [Events] lists all of them.
type Event struct {
	Kind    string // verification, login, refresh, fetch or call
	Part    string // the document, endpoint or grant; "" for kinds that have only one
	Outcome string // the result; "" at Begin

	// Provider is the name of the provider of a fetch or a call if there are several (Config.Providers); "" in all other cases, and in
	// the list of [Events].
	Provider string
}

// Observer is called when work begins and when it ends. Use it for counters, durations and spans; if you only count,
// [ObserveFunc] makes one. It must be safe for concurrent use, return quickly, and not call the [Auth].
//
// A login, a refresh, a fetch and a call have one Begin and one End each, with the same Kind and Part. A verification has only
// an End: a cached token takes less than a microsecond, and whatever else a verification waits for is a fetch with events of
// its own.
//
// A panic in an Observer is logged. During a verification, a login or a refresh the answer is then a 500; a panic in Begin
// happens before a code or a refresh token is used. A fetch or a call continues.
type Observer interface {
	// Begin receives the event without its Outcome, and returns the context in which the work runs: the calls of a login, and
	// the HTTP requests of a call or a fetch. That context must be derived from ctx; nil means ctx. A fetch serves many
	// requests, so its ctx belongs to none of them.
	Begin(ctx context.Context, event Event) context.Context
	// End receives the whole event and the context that Begin returned; for a verification, the context of the request. To
	// measure durations, put the time into the context at Begin.
	End(ctx context.Context, event Event)
}

// ObserveFunc makes an [Observer] that calls count at each End. count must be safe for concurrent use. If it is nil, so is the
// Observer.
func ObserveFunc(count func(Event)) Observer {
	if count == nil {
		return nil
	}
	return observeFunc(count)
}

type observeFunc func(Event)

func (observeFunc) Begin(ctx context.Context, _ Event) context.Context { return ctx }

func (f observeFunc) End(_ context.Context, event Event) { f(event) }

// The kinds of events that core itself reports; package observe has the others.
const (
	eventVerification = "verification"
	eventLogin        = "login"
	eventRefresh      = "refresh"
)

// Events returns every event that End can receive. Use it to create counters before the first event, so that an event that has
// not happened yet reads 0 and not "no data". Later releases may add events, but never remove one or change its meaning.
func Events() []Event { return slices.Clone(events) }

var events = slices.Concat(
	eventsOf(eventVerification, []string{""}, verificationOutcomes()),
	eventsOf(observe.Fetch, documents, []string{outcomeOK, outcomeUnreachable, outcomeUnusable}),
	eventsOf(observe.Call, calls, []string{outcomeOK, outcomeRefused, outcomeUnreachable, outcomeUnusable}),
	eventsOf(observe.Call, []string{observe.Token}, []string{outcomePending}),
	eventsOf(eventLogin, logins, endings),
	eventsOf(eventLogin, []string{grantDevice}, []string{outcomePending}),
	eventsOf(eventRefresh, []string{""}, endings),
)

func eventsOf(kind string, parts, outcomes []string) (all []Event) {
	for _, part := range parts {
		for _, outcome := range outcomes {
			all = append(all, Event{Kind: kind, Part: part, Outcome: outcome})
		}
	}
	return all
}

// documents are fetched and cached; calls are all other requests to the provider.
var (
	documents = []string{observe.Discovery, observe.Keys, observe.TrustedKeys, observe.SigningKeys, observe.Revocations}
	calls     = []string{observe.Token, observe.Device, observe.UserInfo, observe.Revocation, observe.Push, observe.Lookup}
)

// begin calls Begin of Config.Observe. It returns an error if the hook panicked.
func (a *Auth) begin(ctx context.Context, event Event) (context.Context, error) {
	if a.cfg.Observe == nil {
		return ctx, nil
	}
	begun := ctx
	err := a.called(ctx, "Config.Observe", func() { begun = a.cfg.Observe.Begin(ctx, event) })
	if begun == nil {
		begun = ctx
	}
	return begun, err
}

// end calls End of Config.Observe. It must not allocate: it runs on every request. It returns an error if the hook panicked.
func (a *Auth) end(ctx context.Context, event Event) error {
	if a.cfg.Observe == nil {
		return nil
	}
	return a.called(ctx, "Config.Observe", func() { a.cfg.Observe.End(ctx, event) })
}

// endAnswer calls End for a login or a refresh, and returns the error to answer the request with.
func (a *Auth) endAnswer(ctx context.Context, kind, part string, err error) error {
	if a.cfg.Observe == nil {
		return err
	}
	if panicked := a.end(ctx, Event{Kind: kind, Part: part, Outcome: endingOf(part, err)}); panicked != nil {
		return panicked
	}
	return err
}

// observed is Config.Observe for the internal packages. provider is a name, or "". A panic in it is logged, and the work continues.
func (a *Auth) observed(provider string) observe.Begin {
	if a.cfg.Observe == nil {
		return nil
	}
	return func(ctx context.Context, kind, part string) (context.Context, func(error)) {
		event := Event{Kind: kind, Part: part, Provider: provider}
		begun, _ := a.begin(ctx, event)
		return begun, func(err error) {
			event.Outcome = exchangeOutcome(kind, part, err)
			_ = a.end(begun, event)
		}
	}
}
