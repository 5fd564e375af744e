package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A block is one fenced block of a Markdown file.
type block struct {
	File    string // below the root
	Line    int    // of its first line of content
	Lang    string
	Program string // NAME of the <!-- program: NAME --> line before it
	Copy    string // NAME of the <!-- file: NAME --> line before it: the block is a copy of this file
	Part    string // NAME of the <!-- part: NAME --> line before it: the block has lines of this file, in their order
	Text    string
}

func (b block) at() string { return fmt.Sprintf("%s:%d", b.File, b.Line) }

// A document is a Markdown file, parsed for the checks.
type document struct {
	File   string
	Blocks []block
	Prose  []string // every line by its number; empty inside of blocks
}

var (
	fenceLine   = regexp.MustCompile("^( *)(```+|~~~+) *([^ `]*)")
	programLine = regexp.MustCompile(`^\s*<!-- program: ([a-z0-9-]+) -->\s*$`)
	partLine    = regexp.MustCompile(`^\s*<!-- part: ([A-Za-z0-9._/-]+) -->\s*$`)
	copyLine    = regexp.MustCompile(`^\s*<!-- file: ([A-Za-z0-9._/-]+) -->\s*$`)
)

func readDocument(path, name string) (document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return document{}, err
	}
	return parseDocument(name, string(data))
}

func parseDocument(name, text string) (document, error) {
	doc := document{File: name}
	var open *block
	var fence, indent, program, copied, part string
	for number, line := range strings.Split(text, "\n") {
		found := fenceLine.FindStringSubmatch(line)
		switch {
		case open == nil && found != nil:
			indent, fence = found[1], found[2]
			open = &block{File: name, Line: number + 2, Lang: found[3], Program: program, Copy: copied, Part: part}
			program, copied, part = "", "", ""
		case open != nil && found != nil && strings.HasPrefix(found[2], fence) && found[3] == "":
			doc.Blocks = append(doc.Blocks, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		}
		prose := ""
		if open == nil && found == nil {
			prose = line
			if marker := programLine.FindStringSubmatch(line); marker != nil {
				program = marker[1]
			} else if marker := copyLine.FindStringSubmatch(line); marker != nil {
				copied = marker[1]
			} else if marker := partLine.FindStringSubmatch(line); marker != nil {
				part = marker[1]
			} else if strings.TrimSpace(line) != "" {
				if marked := program + copied + part; marked != "" {
					return doc, fmt.Errorf("%s:%d: no code block follows the marker of %s", name, number+1, marked)
				}
			}
		}
		doc.Prose = append(doc.Prose, prose)
	}
	if open != nil {
		return doc, fmt.Errorf("%s: the block is never closed", open.at())
	}
	return doc, nil
}

// programs returns the marked Go programs of a document by name.
func (d document) programs() (map[string]block, error) {
	programs := map[string]block{}
	for _, b := range d.Blocks {
		if b.Program == "" {
			continue
		}
		if b.Lang != "go" {
			return nil, fmt.Errorf("%s: program %s is not a go block", b.at(), b.Program)
		}
		if other, ok := programs[b.Program]; ok {
			return nil, fmt.Errorf("%s: program %s is also at %s", b.at(), b.Program, other.at())
		}
		programs[b.Program] = b
	}
	return programs, nil
}

var (
	codeSpan  = regexp.MustCompile("`+[^`]+`+")
	inline    = regexp.MustCompile(`\]\(([^()\s]+)(?: "[^"]*")?\)`)
	reference = regexp.MustCompile(`^ {0,3}\[[^\]]+\]: *(\S+)`)
	attribute = regexp.MustCompile(`(?:src|href)="([^"#]+)"`)
	heading   = regexp.MustCompile(`^#{1,6} +(.*?) *#*$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}\p{M}_ -]`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// links calls found for every link, with its target and line.
func (d document) links(found func(line int, target string)) {
	for number, line := range d.Prose {
		line = codeSpan.ReplaceAllString(line, "")
		for _, match := range inline.FindAllStringSubmatch(line, -1) {
			found(number+1, match[1])
		}
		for _, match := range attribute.FindAllStringSubmatch(line, -1) {
			found(number+1, match[1])
		}
		if match := reference.FindStringSubmatch(line); match != nil {
			found(number+1, match[1])
		}
	}
}

// anchors returns the anchors of the headings.
func (d document) anchors() map[string]bool {
	anchors := map[string]bool{}
	for _, line := range d.Prose {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		text := linkText.ReplaceAllString(match[1], "$1")
		slug := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(text), ""), " ", "-")
		name := slug
		for n := 1; anchors[name]; n++ {
			name = fmt.Sprintf("%s-%d", slug, n)
		}
		anchors[name] = true
	}
	return anchors
}

var (
	shellLine = regexp.MustCompile(`(?:^|[$;&|] *)(?:[A-Z_]+=\S+ +)*make +((?:[A-Z_]+=\S+ +)*)([a-z][a-z0-9-]*)`)
	shells    = map[string]bool{"": true, "sh": true, "shell": true, "bash": true, "console": true}
)

// makeTargets calls found for every target of a make command in a code span or a block of commands.
func (d document) makeTargets(found func(line int, target string)) {
	each := func(line int, text string) {
		for _, match := range shellLine.FindAllStringSubmatch(strings.TrimSpace(text), -1) {
			found(line, match[2])
		}
	}
	for number, line := range d.Prose {
		for _, span := range codeSpan.FindAllString(line, -1) {
			each(number+1, strings.Trim(span, "`"))
		}
	}
	for _, b := range d.Blocks {
		if !shells[b.Lang] {
			continue
		}
		for i, line := range strings.Split(b.Text, "\n") {
			each(b.Line+i, line)
		}
	}
}
