package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Read returns the rows in a folder, in the table's order. It merges rows of the same part, version, adapter and mode.
func Read(dir string) ([]Row, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var row Row
		if err := json.Unmarshal(text, &row); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		for _, name := range row.Passed {
			if strings.Contains(name, between) {
				return nil, fmt.Errorf("%s: the name of the check %q has %q, which stands between two names", filepath.Base(file), name, between)
			}
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return strings.Compare(a.key(), b.key()) })
	rows = merged(rows)
	for _, row := range rows { // tests run in no order, and the page must not change with it
		slices.Sort(row.Passed)
		slices.Sort(row.Lacks)
	}
	return rows, nil
}

// between stands between the names of checks in a cell.
const between = "; "

func (r Row) key() string {
	return strings.Join([]string{strings.ToLower(r.Part), r.Version, r.Adapter, r.Mode}, "\x00")
}

// merged makes one row of those that follow each other with the same key.
func merged(rows []Row) (list []Row) {
	for _, row := range rows {
		if last := len(list) - 1; last >= 0 && list[last].key() == row.key() {
			list[last].Passed = union(list[last].Passed, row.Passed)
			list[last].Lacks = union(list[last].Lacks, row.Lacks)
		} else {
			list = append(list, row)
		}
	}
	return list
}

// union adds what is not there, and keeps the order.
func union(texts, more []string) []string {
	for _, text := range more {
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// gap begins a line about something that does not work with a part, or works differently.
const gap = "- gap: "

// Markdown returns a table for each part, and below each what the part does not have or gets wrong.
func Markdown(rows []Row) string {
	var b strings.Builder
	part := ""
	var lacks []string
	end := func() {
		for _, text := range lacks {
			fmt.Fprintf(&b, "\n%s%s", gap, cell(text))
		}
		if len(lacks) > 0 {
			b.WriteString("\n")
		}
		lacks = nil
	}
	for _, row := range rows {
		if row.Part != part {
			end()
			part = row.Part
			fmt.Fprintf(&b, "\n## %s\n\n| version | adapter | mode | passed |\n| --- | --- | --- | --- |\n", cell(part))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(row.Version), cell(row.Adapter), cell(row.Mode), cell(strings.Join(row.Passed, between)))
		lacks = union(lacks, row.Lacks)
	}
	end()
	return b.String()
}

// cell makes a text fit into a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
