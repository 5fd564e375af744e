package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// brief is what the page begins with: about ten lines that say what the library costs beside what a reader uses today. Parts that did not
// run leave no lines.
type brief struct{ lines []line }

// rank is the place of a line among the others.
type rank int

// The lines, in their order.
const (
	rankUncached rank = iota
	rankHit
	rankMiddleware
	rankRoute
	rankSessionRoute
	rankSession
	rankMint
	rankRefresh
	rankRows
	rankMemory
)

// questions are what the lines say before their figures.
var questions = [...]string{
	rankUncached:     "a new access token (RS256), verified in one call of each library",
	rankHit:          "the same token again, until it expires",
	rankMiddleware:   "new tokens through your framework: requests per second over loopback, beside its usual middleware",
	rankRoute:        "a known token through your framework: requests per second over loopback, beside the same route without any check",
	rankSessionRoute: "a known session cookie, likewise",
	rankSession:      "a session cookie in core",
	rankMint:         "an own token (broker mode)",
	rankRefresh:      "refreshes per second (broker mode), service and database on this machine",
	rankRows:         "many sessions beside " + grouped(fewRows) + ": the time of a refresh",
	rankMemory:       "memory of an instance",
}

type line struct {
	rank    rank
	answers []string
}

// tell adds an answer to a line.
func (b *brief) tell(to rank, format string, args ...any) {
	answer := fmt.Sprintf(format, args...)
	for i := range b.lines {
		if b.lines[i].rank == to {
			b.lines[i].answers = append(b.lines[i].answers, answer)
			return
		}
	}
	b.lines = append(b.lines, line{to, []string{answer}})
}

func (b *brief) String() string {
	if len(b.lines) == 0 {
		return ""
	}
	slices.SortFunc(b.lines, func(x, y line) int { return cmp.Compare(x.rank, y.rank) })
	var text strings.Builder
	text.WriteString("\nWhat oidcauth costs beside what you use today:\n\n| what | here |\n| --- | --- |\n")
	for _, l := range b.lines {
		fmt.Fprintf(&text, "| %s | %s |\n", questions[l.rank], strings.Join(l.answers, "; "))
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

// grouped writes a number with a comma before each three digits.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// percent writes a part of one.
func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// briefLibrary adds what a check costs with this library and with others. The order is that of libraryOf.
func briefLibrary(b *brief, alg string, all []candidate, seen []*measured) {
	if alg != "RS256" {
		return
	}
	bare, uncached, hit := seen[0], seen[1], seen[2]
	others := []string{}
	for i, c := range all {
		if c.faster > 0 {
			others = append(others, fmt.Sprintf("%s %.1f x", c.short(), seen[i].over(uncached).mid))
		}
	}
	b.tell(rankUncached, "%s µs, %.2f x the signature check of the standard library alone; beside it %s", micro(spreadOf(uncached.times)),
		uncached.over(bare).mid, strings.Join(others, ", "))
	b.tell(rankHit, "%s µs from the cache; golang-jwt and go-oidc, which verify it again, take %s and %s times as long", micro(spreadOf(hit.times)),
		times(all, seen, hit, "golang-jwt"), times(all, seen, hit, "go-oidc"))
}

// times returns how many times as long as another a library takes.
func times(all []candidate, seen []*measured, than *measured, library string) string {
	for i, c := range all {
		if c.short() == library {
			return fmt.Sprintf("%.0f", seen[i].over(than).mid)
		}
	}
	return "?"
}

// briefRefreshes adds what each store does with the most rows of this run.
func briefRefreshes(b *brief, all []refreshed) {
	for _, found := range all {
		if len(found.seen) == 0 {
			continue
		}
		last := len(found.seen) - 1
		refresh := found.seen[last][taskRefresh]
		b.tell(rankRefresh, "%s %s, %.2f x its minimum work", found.name, perSecond(refresh), refresh.over(found.seen[last][taskLeast]).mid)
		for i := 1; i <= last; i++ {
			b.tell(rankRows, "%s %.2f x with %s", found.name, found.seen[i][taskRefresh].over(found.seen[0][taskRefresh]).mid, grouped(found.sizes[i].rows))
		}
	}
}
