package core

import (
	"context"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
)

// Event says what happened, to which part, and how it went. All three are fixed words of this library, so that they can be
// used as labels: no text of a request, a token, a provider or a person is in them. [Events] lists all of them.
type Event struct {
	Kind    string // verification, login, refresh, fetch or call
	Part    string // what of the kind; "" where there is only one
	Outcome string // how it went; "" at Begin
}

// Observer is called when work begins and when it ends: counters, spans and durations hang here. [ObserveFunc] makes one for
// those who only count. It must be safe for concurrent use, return quickly, and not call the [Auth].
//
// A login, a refresh, a fetch and a call have one Begin and one End each, with the same Kind and Part. A verification has an
// End alone: a cached token takes less than a microsecond. Whatever else a verification waits for is a fetch of its own.
//
// A panic in an Observer is logged. At a verification, a login or a refresh it makes the answer a 500; at a Begin, before
// anything is spent. At a fetch or a call the work goes on.
type Observer interface {
	// Begin gets the event without its Outcome. The work runs in the context that it returns: a login's calls, and the HTTP
	// requests of a call or a fetch, with what Begin put there. It must be derived from ctx. nil stands for ctx. A fetch
	// serves many requests: its ctx is that of no request.
	Begin(ctx context.Context, event Event) context.Context
	// End gets the whole event, and the context that Begin returned; at a verification, the context of the request. Whoever
	// wants durations puts the time into the context at Begin.
	End(ctx context.Context, event Event)
}

// ObserveFunc makes an [Observer] that calls count at each End. A nil function is never called.
func ObserveFunc(count func(Event)) Observer {
	if count == nil {
		return nil
	}
	return observeFunc(count)
}

type observeFunc func(Event)

func (observeFunc) Begin(ctx context.Context, _ Event) context.Context { return ctx }

func (f observeFunc) End(_ context.Context, event Event) { f(event) }

// The kinds of events that are not of package observe.
const (
	eventVerification = "verification"
	eventLogin        = "login"
	eventRefresh      = "refresh"
)

// Events returns every event that can end, so that counters can be made before the first one comes: one that never came is
// then a 0 and not a gap. Later releases may add events; none is removed or changes its meaning.
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
			all = append(all, Event{kind, part, outcome})
		}
	}
	return all
}

// documents are what is fetched and cached; calls are what else the provider is asked.
var (
	documents = []string{observe.Discovery, observe.Keys, observe.TrustedKeys, observe.SigningKeys, observe.Revocations}
	calls     = []string{observe.Token, observe.Device, observe.UserInfo, observe.Revocation}
)

// begin calls the Begin of Config.Observe for a login or a refresh. The error is that of a hook that panicked.
func (a *Auth) begin(ctx context.Context, kind, part string) (context.Context, error) {
	if a.cfg.Observe == nil {
		return ctx, nil
	}
	begun := ctx
	err := a.called(ctx, "Config.Observe", func() { begun = a.cfg.Observe.Begin(ctx, Event{Kind: kind, Part: part}) })
	if begun == nil {
		begun = ctx
	}
	return begun, err
}

// end calls the End of Config.Observe. It must not allocate: it runs on every request. The error is that of a hook that
// panicked.
func (a *Auth) end(ctx context.Context, event Event) error {
	if a.cfg.Observe == nil {
		return nil
	}
	return a.called(ctx, "Config.Observe", func() { a.cfg.Observe.End(ctx, event) })
}

// endAnswer calls End for a login or a refresh. It returns the error that the request is to be answered with.
func (a *Auth) endAnswer(ctx context.Context, kind, part string, err error) error {
	if a.cfg.Observe == nil {
		return err
	}
	if panicked := a.end(ctx, Event{kind, part, endingOf(part, err)}); panicked != nil {
		return panicked
	}
	return err
}

// observed is Config.Observe for the packages below core. What panics there is logged, and the work goes on.
func (a *Auth) observed() observe.Begin {
	if a.cfg.Observe == nil {
		return nil
	}
	return func(ctx context.Context, kind, part string) (context.Context, func(error)) {
		begun, _ := a.begin(ctx, kind, part)
		return begun, func(err error) { _ = a.end(begun, Event{kind, part, exchangeOutcome(kind, part, err)}) }
	}
}
