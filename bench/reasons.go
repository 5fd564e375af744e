package main

import (
	_ "embed"
	"fmt"
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
