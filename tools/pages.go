package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

const (
	guide        = "docs/getting-started.md"
	sessionStore = "brokerstore/sqlitestore" // which the guide adds to a program
)

// addedForPages returns the lines that the guide adds to a program whose routes become pages behind a login.
func (r *repo) addedForPages() ([]string, error) {
	doc, err := readDocument(filepath.Join(r.Root, guide), guide)
	if err != nil {
		return nil, err
	}
	var added []string
	for _, b := range doc.Blocks {
		if b.Lang != "diff" {
			continue
		}
		for line := range strings.Lines(b.Text) {
			if text, plus := strings.CutPrefix(line, "+"); plus {
				added = append(added, text)
			}
		}
	}
	if len(added) == 0 {
		return nil, fmt.Errorf("%s has no diff block with added lines", guide)
	}
	return added, nil
}

// withPages adds lines to a program: an import to the imports, anything else to core.Config.
func withPages(program string, added []string) string {
	for _, line := range added {
		after := "PublicURL:"
		if strings.HasPrefix(strings.TrimSpace(line), `_ "`) {
			after = "import ("
		}
		before, rest, _ := strings.Cut(program, after)
		first, rest, _ := strings.Cut(rest, "\n")
		program = before + after + first + "\n" + line + rest
	}
	return program
}

// tryPages adds the guide's lines to a program that tryProgram has run, and opens its guarded route as a browser does.
func (r *repo) tryPages(ctx context.Context, p *packed, dir string, program block, added []string) error {
	if err := goRun(dir, p.env, "get", prefix+sessionStore+"@"+r.Version); err != nil {
		return err
	}
	binary, err := buildProgram(dir, p.env, withPages(program.Text, added))
	if err != nil {
		return fmt.Errorf("%s with the lines of %s: %w", program.at(), guide, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	idp, err := startProvider(ctx, dir, p.env)
	if err != nil {
		return err
	}
	err = runProgram(ctx, binary, address, idp, []exchange{
		{path: guardedRoute, accept: "text/html", status: http.StatusFound, header: "Location", begins: "http://" + address + loginRoute},
		{path: loginRoute, accept: "text/html", status: http.StatusFound, header: "Location", begins: idp.issuer()},
		{path: guardedRoute, authorization: idp.Bearer, status: http.StatusOK, body: "alice"},
	})
	if err != nil {
		return fmt.Errorf("with the lines of %s: %w", guide, err)
	}
	return nil
}
