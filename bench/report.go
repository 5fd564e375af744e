package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// report is the document: what a reader wants to know, the goals and why some are not met, then a section for each table.
type report struct {
	brief    brief
	sections strings.Builder
	goals    []goal
	quick    bool
}

// notMet is what the table says of a goal that is missed.
const notMet = "**not met**"

const goalsHead = "\n## Goals\n\n| # | goal | seen | |\n| --- | --- | --- | --- |\n"

type goal struct {
	number             int
	text, figure, said string
	missed             bool
}

// judge adds a goal and its result.
func (r *report) judge(number int, text, figure string, met bool) {
	said := "met"
	if !met {
		said = notMet
	}
	r.goals = append(r.goals, goal{number, text, figure, said, !met})
}

// open adds a goal that this run did not measure.
func (r *report) open(number int, text, why string) {
	r.goals = append(r.goals, goal{number, text, why, "not measured", false})
}

func (r *report) section(title, text string) {
	fmt.Fprintf(&r.sections, "\n## %s\n\n%s\n", title, text)
}

// note adds a paragraph after a table.
func (r *report) note(format string, args ...any) {
	fmt.Fprintf(&r.sections, "\n"+format+"\n", args...)
}

// table writes rows under their headings; the last line has the versions of the peers.
func (r *report) table(heads []string, rows [][]string, peers ...string) {
	r.sections.WriteString("\n")
	line := func(cells []string) { fmt.Fprintf(&r.sections, "| %s |\n", strings.Join(cells, " | ")) }
	line(heads)
	line(slices.Repeat([]string{"---"}, len(heads)))
	for _, row := range rows {
		line(row)
	}
	fmt.Fprintf(&r.sections, "\n%s%s\n", machine(), versions(peers))
}

func (r *report) String() string {
	var b strings.Builder
	b.WriteString("# Performance\n")
	if r.quick {
		b.WriteString("\nThis is a quick run with few rounds: use it to find mistakes, do not quote its figures.\n")
	}
	b.WriteString(r.brief.String())
	b.WriteString("\nMedians of one run on one machine (" + machine() + "): compare them with each other. [Capacity](operations.md#capacity) helps you to\n" +
		"plan a service with such figures.\n")
	r.writeGoals(&b)
	b.WriteString("\n## How it was measured\n\n" +
		"`make bench` writes this page: run it on your machine. Most figures are ratios or differences within one run: the median of many rounds, in which\n" +
		"the compared operations ran within the same few milliseconds, in rotating order; the quartiles are in brackets. In process, time means processor time\n" +
		"of this process. The \"bare check\" is only the signature verification of the standard library. A \"hit\" is a token or a session that the guard has seen\n" +
		"before; \"uncached\" is a new token.\n")
	return b.String() + r.sections.String()
}

// writeGoals writes the table of goals, and below it why some are not met.
func (r *report) writeGoals(b *strings.Builder) {
	b.WriteString(goalsHead)
	slices.SortStableFunc(r.goals, func(a, b goal) int { return cmp.Compare(a.number, b.number) })
	for _, g := range r.goals {
		fmt.Fprintf(b, "| %d | %s | %s | %s |\n", g.number, g.text, g.figure, g.said)
	}
	known, err := reasons(notes)
	if err != nil {
		panic(err) // TestNotes reads them too
	}
	b.WriteString(why(r.goals, known))
}

// machine describes the machine, on which the figures depend.
func machine() string {
	return fmt.Sprintf("%s, %d cores, %s, %s/%s", processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // only on Linux
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	if text, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(text))
	}
	return "unknown processor"
}

// versions returns the versions of modules linked into this program.
func versions(modules []string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var text strings.Builder
	for _, module := range modules {
		for _, linked := range info.Deps {
			if linked.Path == module {
				fmt.Fprintf(&text, "; %s %s", strings.TrimPrefix(module, "github.com/"), linked.Version)
			}
		}
	}
	return text.String()
}
