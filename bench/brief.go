package main

import (
	"fmt"
	"strings"
)

// brief is what the page begins with: the figures that a reader looks for, in words and units of a reader. Parts that did not run
// leave no lines.
type brief struct {
	costs []answered // what a request with a token costs
	lines []answered // everything else
}

type answered struct{ question, answer string }

// cost adds a line to the first table: the median of a figure in nanoseconds.
func (b *brief) cost(what string, m *measured) {
	b.costs = append(b.costs, answered{what, micro(spreadOf(m.times))})
}

// tell adds a line to the second table.
func (b *brief) tell(what, answer string) {
	if answer != "" {
		b.lines = append(b.lines, answered{what, answer})
	}
}

func (b *brief) String() string {
	var text strings.Builder
	for _, table := range []struct {
		lead, heads string
		rows        []answered
	}{
		{"What it costs to check the access token of a request (RS256), without the network and the framework. A guard verifies a token once and then\n" +
			"finds it in its cache, until the token expires:", "| the check | microseconds |", b.costs},
		{"What to expect from a service:", "| what | here |", b.lines},
	} {
		if len(table.rows) == 0 {
			continue
		}
		fmt.Fprintf(&text, "\n%s\n\n%s\n| --- | --- |\n", table.lead, table.heads)
		for _, row := range table.rows {
			fmt.Fprintf(&text, "| %s | %s |\n", row.question, row.answer)
		}
	}
	return text.String()
}

// micro writes a median of nanoseconds as microseconds.
func micro(s spread) string {
	digits := 2
	if s.mid >= 10_000 {
		digits = 0
	}
	return fmt.Sprintf("%.*f", digits, s.mid/1000)
}

// briefLibrary adds what a check costs with this library and with others. The order is that of libraryOf.
func briefLibrary(b *brief, alg string, seen []*measured) {
	bare, uncached, hit := seen[0], seen[1], seen[2]
	b.tell("new tokens that one core verifies per second, "+alg, perSecond(uncached))
	if alg != "RS256" {
		return
	}
	b.cost("oidcauth, a token that the guard has seen before", hit)
	b.cost("oidcauth, a new token", uncached)
	b.cost("the signature check of the standard library alone", bare)
	for _, other := range seen[3:] {
		b.cost(other.name, other)
	}
}

// briefRefreshes adds what each store does with the most rows of this run.
func briefRefreshes(b *brief, all []refreshed) {
	var rates, growth []string
	for _, found := range all {
		if len(found.seen) == 0 {
			continue
		}
		last := len(found.seen) - 1
		rates = append(rates, fmt.Sprintf("%s %s with %d sessions", found.name, perSecond(found.seen[last][taskRefresh]), found.sizes[last].rows))
		if last > 0 {
			growth = append(growth, fmt.Sprintf("%s %.2f x", found.name, found.seen[last][taskRefresh].over(found.seen[0][taskRefresh]).mid))
		}
	}
	b.tell("refreshes per second in broker mode, service and database on this machine", strings.Join(rates, "; "))
	b.tell(fmt.Sprintf("the time of a refresh with %d sessions, beside one with %d", manyRows, fewRows), strings.Join(growth, "; "))
}
