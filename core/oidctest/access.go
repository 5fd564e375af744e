package oidctest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// App describes an application for [Access].
type App struct {
	// Patterns has all routes of the router: [Patterns] makes them, or a loop over the router's own list.
	Patterns []Pattern
	// Open names the routes that are meant to have no guard, each as its line in the report begins: "GET /healthz". They are not requested.
	Open []string
	// Send sends a request to the router and returns the status of the answer. The router must get the context of the request: [SendTo] does it for an
	// http.Handler. It is called for one request at a time.
	Send func(*http.Request) (status int, err error)
}

// AccessReport says who may call the routes of an application, see [Access]. It is sorted by paths, then by methods.
type AccessReport []AccessLine

// AccessLine is one route in an [AccessReport].
type AccessLine struct {
	Method, Path string // as in the Pattern
	// Rule is the rule of the first guard that a request meets; nil if Route or Open is set, and without a guard.
	Rule *core.Rule
	// Route is the name of a route of this library, as login; "" for those of the application.
	Route string
	// Open is set for the routes in App.Open.
	Open bool
	// Status is the status of the answer of a route without a guard; 0 for all others, and if Send failed.
	Status int
}

// String returns the line: method, path, two spaces, and who may.
func (l AccessLine) String() string { return l.name() + "  " + l.who() }

func (l AccessLine) name() string { return cmp.Or(l.Method, "ANY") + " " + l.Path }

func (l AccessLine) who() string {
	switch {
	case l.Rule != nil:
		return l.Rule.String()
	case l.Route != "":
		return "route of oidcauth: " + l.Route
	case l.Open:
		return "everybody"
	default:
		return "NO GUARD"
	}
}

func (l AccessLine) isReached() bool { return l.Rule != nil || l.Route != "" }

// IsUnguarded reports whether the route has no guard and is not in App.Open.
func (l AccessLine) IsUnguarded() bool { return l.Rule == nil && l.Route == "" && !l.Open }

// String returns the report, a line for each route, for a comparison with a file.
func (r AccessReport) String() string {
	var text strings.Builder
	for _, line := range r {
		text.WriteString(line.String() + "\n")
	}
	return text.String()
}

// accessPatience bounds the request of one route.
const accessPatience = 10 * time.Second

// Access asks a router about each route of an application who may call it. It sends one request to each, without credentials and without a body, in a
// context in which every guard tells its rule and admits nobody (see [core.ProbeGuards]), so no handler behind a guard runs. The error has a line
// for each route without a guard that is not in App.Open, for each that could not be reached, and for each entry of App.Open that is no route; the
// report is complete as far as it goes in any case.
//
// Danger: the handler of a route without a guard runs, once, with this empty request, as it would for any client on the network. A route that
// deletes everything deletes everything. Run it against stores of the test alone, as any test, and name the routes that are meant to be open in
// App.Open: these are not requested. What stands before the guards runs too: logging, CORS, limits.
//
// Of several guards of one route, say of a group and of a handler, the report has the first, which runs outermost. The others may demand more, and
// never less: read each line as what a caller needs at least. A route is reported as unguarded if something before the guard answers: the error
// has the status.
func Access(ctx context.Context, app App) (AccessReport, error) {
	if app.Send == nil {
		return nil, errors.New("oidctest: set App.Send")
	}
	var report AccessReport
	var errs []error
	open, seen := make(map[string]bool), make(map[string]bool)
	for _, name := range app.Open {
		open[name] = true
	}
	for _, pattern := range app.Patterns {
		line := AccessLine{Method: pattern.Method, Path: pattern.Path}
		if seen[line.name()] {
			continue
		}
		seen[line.name()] = true
		if line.Open = open[line.name()]; !line.Open {
			if err := app.ask(ctx, pattern, &line); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", line.name(), err))
			}
		}
		report = append(report, line)
	}
	if !slices.ContainsFunc(report, AccessLine.isReached) && len(errs) > 0 {
		errs = append(errs, errors.New("oidctest: no guard was reached at all: does App.Send give the router the context of the request?"))
	}
	for _, name := range app.Open {
		if !seen[name] {
			errs = append(errs, fmt.Errorf("%s: in App.Open, and no route", name))
		}
	}
	slices.SortFunc(report, func(a, b AccessLine) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return report, errors.Join(errs...)
}

// ask sends the request for one route and completes its line.
func (app App) ask(ctx context.Context, pattern Pattern, line *AccessLine) error {
	ctx, cancel := context.WithTimeout(ctx, accessPatience)
	defer cancel()
	ctx, probe := core.ProbeGuards(ctx)
	request, err := pattern.request(ctx)
	if err != nil {
		return err
	}
	status, err := app.send(request)
	decider, reached := probe.Decider()
	switch {
	case reached && app.isOther(pattern, decider.Pattern):
		return fmt.Errorf("the request for %s reached %s: set Target to a path of this route alone", request.URL.Path, decider.Pattern)
	case reached && decider.Route != "":
		line.Route = decider.Route
		return nil
	case reached:
		line.Rule = &decider.Rule
		return nil
	case err != nil:
		return fmt.Errorf("no guard was reached: %w", err)
	}
	line.Status = status
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("no guard, the answer to %s is %d: set Target if that is no path of this route", request.URL.Path, status)
	default:
		return fmt.Errorf("no guard, the answer is %d: add a guard, or name the route in App.Open", status)
	}
}

// send is Send, with an error in the place of a panic: of a handler without a guard, to which nobody was ready to send an empty request.
func (app App) send(request *http.Request) (status int, err error) {
	defer func() {
		if value := recover(); value != nil {
			status, err = 0, fmt.Errorf("the handler panicked: %T", value)
		}
	}()
	return app.Send(request)
}

// isOther reports whether a guard of another route of the list decided. A guard of a group may have the pattern of its group, which is the
// beginning of this one.
func (app App) isOther(asked Pattern, reached string) bool {
	_, path, hasMethod := strings.Cut(reached, " ")
	if !hasMethod {
		path = reached
	}
	if path == "" || path == asked.Path || strings.HasPrefix(asked.Path, strings.TrimSuffix(strings.TrimSuffix(path, "*"), "/")+"/") {
		return false
	}
	return slices.ContainsFunc(app.Patterns, func(other Pattern) bool {
		return other.Path == path && (other.Method == asked.Method || other.Method == "")
	})
}
