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

func (g *goalOf) add(name string, figure spread) {
	g.figures = append(g.figures, fmt.Sprintf("%s %.2f", name, figure.mid))
	g.missed = g.missed || figure.mid > mostTimes
}

func (g *goalOf) judge(r *report, without string) {
	if len(g.figures) == 0 {
		r.open(g.number, g.text, without)
		return
	}
	r.judge(g.number, g.text, strings.Join(g.figures, ", "), !g.missed)
}

func tellRefreshes(r *report, all []refreshed) {
	r.section("Refreshes", fmt.Sprintf("At the token route, %d clients at the same time, each with its own sessions among all the rows. The provider answers from memory with tokens that were\n"+
		"signed before. The minimum work of a refresh, with only the standard library and the database's driver: read the row, verify two RS256 signatures of the\n"+
		"provider, make one, and write the row twice if its version is unchanged. A bare write is one such write with a prepared statement (on Redis one script,\n"+
		"with the index of expiry times); the write of a store is `Swap` of the same row. Figures of one line are from the same rounds, by the clock. The first\n"+
		"line shows what the service can do if the store costs nothing. The database servers are those of the tests and run on the same machine, so they and the\n"+
		"service share its cores.", workers))
	var rows [][]string
	var perRows [2][2]*goalOf
	for i, count := range []int{fewRows, manyRows} {
		perRows[i] = [2]*goalOf{
			{number: 10, text: fmt.Sprintf("a store's conditional write at most 1.2 x the bare one, %d rows", count)},
			{number: 10, text: fmt.Sprintf("a refresh at most 1.2 x its minimum work, %d rows", count)},
		}
	}
	for _, found := range all {
		if found.missing != nil {
			rows = append(rows, []string{found.name, found.how, found.why(), "", "", "", "", "", ""})
		}
		for i, seen := range found.seen {
			refresh, least, swap, write := seen[taskRefresh], seen[taskLeast], seen[taskSwap], seen[taskWrite]
			perRows[i][1].add(found.name, refresh.over(least))
			cells := []string{found.name, found.how, fmt.Sprint(found.sizes[i].rows), refresh.over(least).String(), "", perSecond(refresh), perSecond(least), perSecond(swap), ""}
			if found.bare != nil {
				perRows[i][0].add(found.name, swap.over(write))
				cells[4], cells[8] = swap.over(write).String(), perSecond(write)
			}
			rows = append(rows, cells)
		}
	}
	r.table([]string{"store", "", "rows", "refresh, x the minimum", "write, x the bare one", "refreshes per second here", "with minimum work", "writes", "bare writes"}, rows)
	briefRefreshes(&r.brief, all)
	for i := range perRows {
		for _, goal := range perRows[i] {
			goal.judge(r, "this database is missing in this run")
		}
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
			rows = append(rows, []string{found.name, fmt.Sprint(found.sizes[i].rows), perSecond(seen[taskLookup]), perSecond(seen[taskList]), perSecond(seen[taskEnd])})
		}
	}
	r.table([]string{"store", "rows", "lookups", "lists", "ends of all sessions"}, rows)
}

// tellMoreRows writes the comparison of databases with many and with few rows.
func tellMoreRows(r *report, all []refreshed) {
	compared := []struct {
		task       int
		head, goal string // no goal: only in the table
	}{
		{taskRefresh, "refresh", "a refresh"}, {taskSwap, "write", "a conditional write"}, {taskWrite, "bare write", ""}, {taskRead, "bare read", ""},
		{taskLookup, "lookup", "a lookup"}, {taskList, "list of a person", "a list of a person's sessions"}, {taskEnd, "end of a person's sessions", "the end of all sessions of a person"},
	}
	heads := []string{"store"}
	var rows [][]string
	for _, found := range all {
		if len(found.seen) == 2 {
			rows = append(rows, []string{found.name})
		}
	}
	for _, c := range compared {
		heads = append(heads, c.head)
		goal := &goalOf{number: 11, text: fmt.Sprintf("%s with %d rows at most %.1f x one with %d", c.goal, manyRows, mostTimes, fewRows)}
		row := 0
		for _, found := range all {
			if len(found.seen) < 2 {
				continue
			}
			times := found.seen[1][c.task].over(found.seen[0][c.task])
			goal.add(found.name, times)
			rows[row] = append(rows[row], times.String())
			row++
		}
		if c.goal != "" {
			goal.judge(r, "a quick run has no such database")
		}
	}
	if len(rows) > 0 {
		r.section("Among many rows", fmt.Sprintf("The time with %d rows divided by the time with %d: two databases of the same server, in turns. The rows belong to people with about\n"+
			"%d sessions each; of a hundred rows, sixty are of browsers, 38 have refresh tokens, and two are names that may be used once.", manyRows, fewRows, perPerson))
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
			cells := []string{found.name, fmt.Sprint(size.rows), fmt.Sprintf("%.0f", size.whole.length), fmt.Sprintf("%.0f", size.whole.stored), "", "", size.took.Round(time.Second).String()}
			if size.short.length > 0 {
				cells[4], cells[5] = fmt.Sprintf("%.0f", size.short.length), fmt.Sprintf("%.0f", size.short.stored)
			}
			rows = append(rows, cells)
		}
	}
	r.table([]string{"store", "rows", "bytes of a whole row", "stored as", "bytes of a short row", "stored as", "added within"}, rows)
}
