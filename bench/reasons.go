package main

import (
	_ "embed"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
)

// notes explains goals that may be missed. A reason begins with a line [number] words: it is for the goals of this number whose text
// contains the words; with no words, for all of them. The first reason that fits is the one of a goal.
//
//go:embed notes.txt
var notes string

// reason explains why goals are not met.
type reason struct {
	number int
	words  string
	text   string
}

func (r reason) explains(g goal) bool {
	return r.number == g.number && strings.Contains(g.text, r.words)
}

// reasons reads the notes.
func reasons(notes string) (all []reason, err error) {
	for text := range strings.Lines(notes) {
		if rest, found := strings.CutPrefix(text, "["); found {
			number, words, _ := strings.Cut(rest, "]")
			n, err := strconv.Atoi(number)
			if err != nil {
				return nil, fmt.Errorf("notes.txt: %q: %w", text, err)
			}
			all = append(all, reason{number: n, words: strings.TrimSpace(words)})
		} else if len(all) > 0 {
			all[len(all)-1].text += text
		}
	}
	for i := range all {
		all[i].text = strings.TrimSpace(all[i].text)
	}
	return all, nil
}

// explained returns the list of what is missed, each with its reason, and the goals that have none. Goals have one number and one
// reason, or none.
func explained(goals []goal, known []reason) (text string, without []goal) {
	var b strings.Builder
	open := make([]bool, len(goals))
	for i, g := range goals {
		open[i] = g.missed
	}
	for _, r := range known {
		var of []string
		for i, g := range goals {
			if open[i] && r.explains(g) {
				open[i] = false
				of = append(of, g.text)
			}
		}
		if len(of) > 0 {
			fmt.Fprintf(&b, "- **%d**, %s.\n  %s\n", r.number, strings.Join(of, "; "), strings.ReplaceAll(r.text, "\n", "\n  "))
		}
	}
	for i, g := range goals {
		if open[i] {
			without = append(without, g)
			fmt.Fprintf(&b, "- **%d**, %s. **Not explained.**\n", g.number, g.text)
		}
	}
	return b.String(), without
}

// whyHead is what the page has before the reasons.
const whyHead = "\nWhat is not met, and why, from profiles:\n\n"

// why returns the part of the page below the table of goals; "" if all are met.
func why(goals []goal, known []reason) string {
	text, _ := explained(goals, known)
	if text == "" {
		return ""
	}
	return whyHead + text
}

var errNoGoals = errors.New("the page has no table of goals")

// reexplained returns a page with the reasons of today, and the goals without one. The figures stay.
func reexplained(page string, known []reason) (string, []goal, error) {
	head, rest, found := strings.Cut(page, goalsHead)
	section, after, more := strings.Cut(rest, "\n## ")
	if !found || !more {
		return "", nil, errNoGoals
	}
	table, _, _ := strings.Cut(section, whyHead)
	var goals []goal
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(row, "|\n "), " | ")
		number, err := strconv.Atoi(cells[0])
		if err != nil || len(cells) != 4 {
			return "", nil, fmt.Errorf("a goal: %q: %w", row, errNoGoals)
		}
		goals = append(goals, goal{number, cells[1], cells[2], cells[3], cells[3] == notMet})
	}
	_, without := explained(goals, known)
	return head + goalsHead + table + why(goals, known) + "\n## " + after, without, nil
}

// explainPage writes the reasons of today into a page.
func explainPage(file string) error {
	known, err := reasons(notes)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, without, err := reexplained(string(page), known)
	if err != nil {
		return err
	}
	warn(without)
	return os.WriteFile(file, []byte(text), 0o644)
}

// warn logs the goals that are missed without a reason.
func warn(without []goal) {
	for _, g := range without {
		log.Printf("not met, and notes.txt has no reason: [%d] %s: %s", g.number, g.text, g.figure)
	}
}
