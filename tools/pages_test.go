package main

import (
	"slices"
	"strings"
	"testing"
)

const added = "# Start\n\n```diff\n import (\n+\t_ \"x\"\n \tPublicURL: a,\n+\tSessions: b,\n```\n"

func TestAddedForPages(t *testing.T) {
	lines, err := load(t, with(tree(), guide, added)).addedForPages()
	if want := []string{"\t_ \"x\"\n", "\tSessions: b,\n"}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("%q, %v; want %q", lines, err, want)
	}
	if _, err := load(t, with(tree(), guide, "# Start\n")).addedForPages(); err == nil || !strings.Contains(err.Error(), "no diff block") {
		t.Errorf("a guide without lines: %v", err)
	}
}

func TestWithPages(t *testing.T) {
	got := withPages("package main\n\nimport (\n\t\"y\"\n)\n\nvar c = core.Config{\n\tPublicURL: a, // b\n}\n", []string{"\t_ \"x\"\n", "\tSessions: b,\n"})
	if want := "package main\n\nimport (\n\t_ \"x\"\n\t\"y\"\n)\n\nvar c = core.Config{\n\tPublicURL: a, // b\n\tSessions: b,\n}\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestProgramOf(t *testing.T) {
	r := load(t, with(tree(), "chiauth/README.md", strings.Replace(marked(program), "program: x", "program: chi", 1)))
	chi := frameworks[slices.IndexFunc(frameworks, func(f framework) bool { return f.Name == "chi" })]
	if b, err := r.programOf(chi); err != nil || b.Text != program {
		t.Errorf("%q, %v", b.Text, err)
	}
	chi.Name = "other"
	if _, err := r.programOf(chi); err == nil || !strings.Contains(err.Error(), "chiauth/README.md has no program other") {
		t.Errorf("a program that is not there: %v", err)
	}
}
