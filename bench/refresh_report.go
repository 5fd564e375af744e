package main

import (
	"fmt"
	"strings"
	"time"
)

// perSecond returns how often all clients together did a task per second.
func perSecond(m *measured) string { return fmt.Sprintf("%.0f", 1e9/spreadOf(m.times).mid) }

// goalOf checks one figure of each store against a goal.
type goalOf struct {
	number  int
	text    string
	figures []string
	missed  bool
}

func (g *goalOf) add(name string, figure spread, missed bool) {
	g.figures = append(g.figures, fmt.Sprintf("%s %.2f", name, figure.mid))
	g.missed = g.missed || missed
}

// beside adds a figure that is at most mostTimes where the goal is met; where it is not, with that of the same work without this library.
func (g *goalOf) beside(name string, figure, bare spread) {
	g.most(name, figure)
	if figure.mid > mostTimes && bare.mid > 0 {
		g.figures[len(g.figures)-1] += fmt.Sprintf(" (bare %.2f)", bare.mid)
	}
}

// most adds a figure that is at most mostTimes where the goal is met.
func (g *goalOf) most(name string, figure spread) { g.add(name, figure, figure.mid > mostTimes) }

func (g *goalOf) judge(r *report, without string) {
	if len(g.figures) == 0 {
		r.open(g.number, g.text, without)
		return
	}
	r.judge(g.number, g.text, strings.Join(g.figures, ", "), !g.missed)
}

// sizes are how many rows databases have; the most on some of them alone.
var sizes = []int{fewRows, manyRows, mostRows}

// missingSize says why no database has the most rows, or as many as a goal is about.
func missingSize(all []refreshed) string {
	for _, found := range all {
		if found.without != "" && found.bare != nil {
			return found.without
		}
	}
	return "this database is missing in this run"
}

func tellRefreshes(r *report, all []refreshed) {
	r.section("Refreshes", fmt.Sprintf("At the token route, %d clients at the same time, each with its own sessions among all the rows. The provider answers from memory with tokens that were\n"+
		"signed before. The minimum work of a refresh, with only the standard library and the database's driver: read the row, verify two RS256 signatures of the\n"+
		"provider, make one, and write the row twice if its version is unchanged. A bare write is one such write with a prepared statement (on Redis one script,\n"+
		"with the index of expiry times); the write of a store is `Swap` of the same row. Figures of one line are from the same rounds, by the clock. The first\n"+
		"line shows what the service can do if the store costs nothing. The database servers are those of the tests and run on the same machine, so they and the\n"+
		"service share its cores.", workers))
	var rows [][]string
	writes, refreshes := make([]goalOf, len(sizes)), make([]goalOf, len(sizes))
	for i, count := range sizes {
		writes[i] = goalOf{number: 10, text: fmt.Sprintf("a store's conditional write at most %.1f x the bare one, %s rows", mostTimes, grouped(count))}
		refreshes[i] = goalOf{number: 10, text: fmt.Sprintf("a refresh at most %.1f x its minimum work, %s rows", mostTimes, grouped(count))}
	}
	for _, found := range all {
		if found.missing != nil {
			rows = append(rows, []string{found.name, found.how, found.why(), "", "", "", "", "", ""})
		}
		for i, seen := range found.seen {
			refresh, least, swap, write := seen[taskRefresh], seen[taskLeast], seen[taskSwap], seen[taskWrite]
			refreshes[i].most(found.name, refresh.over(least))
			cells := []string{found.name, found.how, grouped(found.sizes[i].rows), refresh.over(least).String(), "", perSecond(refresh), perSecond(least), perSecond(swap), ""}
			if found.bare != nil {
				writes[i].most(found.name, swap.over(write))
				cells[4], cells[8] = swap.over(write).String(), perSecond(write)
			}
			rows = append(rows, cells)
		}
	}
	r.table([]string{"store", "", "rows", "refresh, x the minimum", "write, x the bare one", "refreshes per second here", "with minimum work", "writes", "bare writes"}, rows)
	briefRefreshes(&r.brief, all)
	for i := range sizes {
		writes[i].judge(r, missingSize(all))
		refreshes[i].judge(r, missingSize(all))
	}
}

// tellAlgorithms compares refreshes whose own tokens have EdDSA with those with RS256.
func tellAlgorithms(r *report, all []refreshed) {
	goal := goalOf{number: 10, text: fmt.Sprintf("with EdDSA at least %d x the refreshes of RS256, %s rows", leastFaster, grouped(fewRows))}
	var rows [][]string
	for _, found := range all {
		if found.eddsa == nil {
			continue
		}
		gain := found.seen[0][taskRefresh].over(found.eddsa)
		goal.add(found.name, gain, gain.mid < leastFaster)
		rows = append(rows, []string{found.name, perSecond(found.seen[0][taskRefresh]), perSecond(found.eddsa), gain.String()})
		r.brief.tell(rankRefresh, "%s %.1f x as many with EdDSA", found.name, gain.mid)
	}
	goal.judge(r, "no store was measured")
	if len(rows) > 0 {
		r.section("Refreshes with EdDSA", fmt.Sprintf("Refreshes per second of two services with %s rows each, in the same rounds: one signs its tokens with RS256, one with EdDSA.", grouped(fewRows)))
		r.table([]string{"store", "RS256", "EdDSA", "x"}, rows)
	}
}

// tellShares writes the parts of the time of a refresh.
func tellShares(r *report, all []refreshed) {
	r.section("Where a refresh's time goes", "Each part as a share of a refresh, measured separately in the same rounds by as many clients. The rest is the work of this library: forms, JSON,\n"+
		"encryption, the request to the provider, reading the answer in the client, the cost of a store's method on top of its statement, and garbage collection.\n"+
		"While a database waits for a disk other work continues, so the parts may add up to more than the whole.")
	var rows [][]string
	for _, found := range all {
		if found.missing != nil {
			continue
		}
		seen := found.seen[0]
		cells, rest := []string{found.name}, 1.0
		for _, part := range []struct {
			task  int
			times float64
		}{{taskSign, 1}, {taskVerify, 1}, {taskRead, 1}, {taskWrite, 2}} {
			share := part.times * seen[part.task].over(seen[taskRefresh]).mid
			rest -= share
			cells = append(cells, percent(share))
		}
		rows = append(rows, append(cells, percent(rest)))
	}
	r.table([]string{"store", "one signature", "two verifications", "one bare read", "two bare writes", "the rest"}, rows)
}

// tellPeople writes how fast sessions are found, listed and ended.
func tellPeople(r *report, all []refreshed) {
	r.section("Sessions of a person", fmt.Sprintf("Per second, %d clients at the same time. A lookup is `Store.Session`, a list `Store.SessionsOf` of a person with %d sessions. An end is\n"+
		"`Auth.EndSessions` of such a person: a name in the revocation list, the list, and for each session a read and a revocation, which deletes its row. New people\n"+
		"with as many sessions are added between the measurements.", workers, personSessions))
	var rows [][]string
	for _, found := range all {
		for i, seen := range found.seen {
			rows = append(rows, []string{found.name, grouped(found.sizes[i].rows), perSecond(seen[taskLookup]), perSecond(seen[taskList]), perSecond(seen[taskEnd])})
		}
	}
	r.table([]string{"store", "rows", "lookups", "lists", "ends of all sessions"}, rows)
}

// growth returns the time of a task in a larger database, x that in the smallest; zero where it was not measured.
func (r refreshed) growth(size, task int) spread {
	if len(r.seen[0][task].times) == 0 {
		return spread{}
	}
	return r.seen[size][task].over(r.seen[0][task])
}

// orNothing writes a figure for a table, nothing where it was not measured.
func (s spread) orNothing() string {
	if s == (spread{}) {
		return ""
	}
	return s.String()
}

// tellMoreRows writes the comparison of databases with many and with few rows.
func tellMoreRows(r *report, all []refreshed) {
	compared := []struct {
		task       int
		head, goal string // no goal: only in the table
		bare       int    // the same without this library; -1: not measured
	}{
		{taskRefresh, "refresh", "a refresh", taskLeast}, {taskSwap, "write", "a conditional write", taskWrite}, {taskWrite, "bare write", "", -1},
		{taskLookup, "lookup", "a lookup", taskRead}, {taskRead, "bare read", "", -1}, {taskList, "list of a person", "a list of a person's sessions", taskBareList},
		{taskBareList, "bare list", "", -1}, {taskEnd, "end of a person's sessions", "the end of all sessions of a person", -1},
	}
	heads := []string{"store", "rows"}
	for _, c := range compared {
		heads = append(heads, c.head)
	}
	var rows [][]string
	for i := 1; i < len(sizes); i++ {
		goals := make([]goalOf, len(compared))
		for j, c := range compared {
			goals[j] = goalOf{number: 11, text: fmt.Sprintf("%s with %s rows at most %.1f x one with %s", c.goal, grouped(sizes[i]), mostTimes, grouped(fewRows))}
		}
		for _, found := range all {
			if len(found.seen) <= i {
				continue
			}
			row := []string{found.name, grouped(sizes[i])}
			for j, c := range compared {
				times, bare := found.growth(i, c.task), spread{}
				if c.bare >= 0 {
					bare = found.growth(i, c.bare)
				}
				goals[j].beside(found.name, times, bare)
				row = append(row, times.orNothing())
			}
			rows = append(rows, row)
		}
		for j, c := range compared {
			if c.goal != "" {
				goals[j].judge(r, missingSize(all))
			}
		}
	}
	if len(rows) > 0 {
		r.section("Among many rows", fmt.Sprintf("The time with many rows divided by the time with %s: databases of the same server, in turns. The rows belong to people with about\n"+
			"%d sessions each; of a hundred rows, sixty are of browsers, 38 have refresh tokens, and two are names that may be used once.", grouped(fewRows), perPerson))
		r.table(heads, rows)
	}
}

func tellRows(r *report, all []refreshed) {
	r.section("Rows", "The size of a session, including everything that grows with the rows: partly filled pages, indexes, and the overhead of a server per value. A whole row is\n"+
		"a session with the tokens of this program (an access token and an ID token of about 1,300 bytes each), and one with refresh tokens has been refreshed; a\n"+
		"short row has little encrypted data. The bytes are those of an average row of all kinds, without and with what the database adds.\n"+
		"Measured before and after from the size of the file (SQLite), of the table with its indexes (PostgreSQL, MariaDB), or of the memory in use (Redis, in process).")
	var rows [][]string
	for _, found := range all {
		for _, size := range found.sizes {
			cells := []string{found.name, grouped(size.rows), fmt.Sprintf("%.0f", size.whole.length), fmt.Sprintf("%.0f", size.whole.stored), "", "", size.took.Round(time.Second).String()}
			if size.short.length > 0 {
				cells[4], cells[5] = fmt.Sprintf("%.0f", size.short.length), fmt.Sprintf("%.0f", size.short.stored)
			}
			rows = append(rows, cells)
		}
	}
	r.table([]string{"store", "rows", "bytes of a whole row", "stored as", "bytes of a short row", "stored as", "added within"}, rows)
}
