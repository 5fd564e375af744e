package main

import (
	"slices"
	"strings"
	"testing"
)

const markdown = "# One `word`!\n" +
	"[a](b.md#c \"title\") ![d](e.png) `[no](link)` <a href=\"g.md\"><img src=\"h.png\"></a> `<a href=\"no.md\">`\n" +
	"\n" +
	"[ref]: f.md\n" +
	"run `make check` or `FRAMEWORK=echo make demo`, make sure that `remake x` is none\n" +
	"\n" +
	"<!-- program: gin -->\n" +
	"\n" +
	"```go\npackage main\n```\n" +
	"  ```sh\n  cd x && make test # all\n  make FUZZTIME=2s fuzz\n  ```\n" +
	"# One word\n" +
	"````text\n```\n[no](link)\n````\n"

func TestParseDocument(t *testing.T) {
	doc, err := parseDocument("x.md", markdown)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Blocks) != 3 {
		t.Fatalf("%d blocks, want 3: %+v", len(doc.Blocks), doc.Blocks)
	}
	if b := doc.Blocks[0]; b.Lang != "go" || b.Program != "gin" || b.Line != 10 || b.Text != "package main\n" {
		t.Errorf("first block: %+v", b)
	}
	if b := doc.Blocks[1]; b.Program != "" || !strings.HasPrefix(b.Text, "cd x") {
		t.Errorf("second block: %+v", b)
	}
	if b := doc.Blocks[2]; b.Text != "```\n[no](link)\n" {
		t.Errorf("third block: %+v", b)
	}
	var links, targets []string
	doc.links(func(_ int, target string) { links = append(links, target) })
	doc.makeTargets(func(_ int, target string) { targets = append(targets, target) })
	if want := []string{"b.md#c", "e.png", "g.md", "h.png", "f.md"}; !slices.Equal(links, want) {
		t.Errorf("links: %q, want %q", links, want)
	}
	if want := []string{"check", "demo", "test", "fuzz"}; !slices.Equal(targets, want) {
		t.Errorf("targets: %q, want %q", targets, want)
	}
	if anchors := doc.anchors(); !anchors["one-word"] || !anchors["one-word-1"] || len(anchors) != 2 {
		t.Errorf("anchors: %v", anchors)
	}
}

func TestParseDocumentFaults(t *testing.T) {
	for text, want := range map[string]string{
		"```go\nx\n":                        "never closed",
		"<!-- program: gin -->\nprose\n":    "no code block follows",
		"<!-- file: a/b.js -->\nprose\n":    "no code block follows the marker of a/b.js",
		"<!-- program: a -->\n```sh\n```\n": "not a go block",
		"<!-- program: a -->\n```go\n```\n<!-- program: a -->\n```go\n```\n": "is also at",
	} {
		doc, err := parseDocument("x.md", text)
		if err == nil {
			_, err = doc.programs()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}
