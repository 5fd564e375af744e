package compat

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/compatibility.md anew, from its own tables")

const pageFile = "../../docs/compatibility.md"

// docs/compatibility.md equals what the writer renders from the rows in its tables. After a change of the writer, -update renders the
// page again without the other software.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	rows := parsed(string(text))
	if len(rows) < 50 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		if kindOf(row.Part) == otherKind {
			t.Errorf("%s has no kind: add it to kinds", row.Part)
		}
	}
	want := Page(rows)
	if *update {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Error("docs/compatibility.md is not what Page makes of its rows: run this test with -update")
	}
}

// The page begins with a line for each part, under its kind, and an unknown part is not lost.
func TestSummary(t *testing.T) {
	text := Page([]Row{
		{Part: "Keycloak", Version: "1", Adapter: "gin", Mode: "broker", Passed: []string{"login", "refresh"}},
		{Part: "Keycloak", Version: "2", Adapter: "chi", Mode: "passthrough", Passed: []string{"login"}, Lacks: []string{"device flow"}},
		{Part: "New: one/two", Version: "3", Adapter: "core", Passed: []string{"login"}},
	})
	for _, want := range []string{
		"| provider | version |", "\n| [Keycloak](#keycloak) | 1, 2 | chi, gin | broker, passthrough | 2 | 1 |\n",
		"| other software | version |", "\n| [New: one/two](#new-onetwo) | 3 |  |  | 1 | 0 |\n",
	} {
		if at := strings.Index(text, want); at < 0 || at > strings.Index(text, "\n## Keycloak\n") {
			t.Errorf("%q is not before the tables of\n%s", want, text)
		}
	}
}

// parsed reads the rows of a page's tables. What a part lacks goes to its last row.
func parsed(page string) (rows []Row) {
	part := ""
	text := strings.NewReplacer(`\|`, "|", "&lt;", "<").Replace
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			part = heading
		}
		if lacks, ok := strings.CutPrefix(line, gap); ok {
			last := &rows[len(rows)-1]
			last.Lacks = append(last.Lacks, text(lacks))
		}
		cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "| "), `\|`, "\x00"), " | ")
		if len(cells) != 4 || cells[0] == "version" || cells[0] == "---" || part == "In short" {
			continue
		}
		for i := range cells {
			cells[i] = text(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		rows = append(rows, Row{part, cells[0], cells[1], cells[2], strings.Split(cells[3], between), nil})
	}
	return rows
}
