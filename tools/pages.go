package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
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
func tryPages(ctx context.Context, p *packed, dir string, program block, added []string) error {
	if err := writeProgram(dir, withPages(program.Text, added)); err != nil {
		return err
	}
	if err := goRun(dir, p.env, "get", "."); err != nil { // what the program imports: without it the store is missing
		return err
	}
	binary, err := buildProgram(dir, p.env)
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
	err = runProgram(ctx, binary, address, idp, func(base string) error {
		if err := converse(ctx, base, []exchange{
			{path: guardedRoute, accept: "text/html", status: http.StatusFound, header: "Location", begins: base + loginRoute},
			{path: guardedRoute, authorization: idp.Bearer, status: http.StatusOK, body: "alice"},
		}); err != nil {
			return err
		}
		return openAsAlice(ctx, base+guardedRoute)
	})
	if err != nil {
		return fmt.Errorf("with the lines of %s: %w", guide, err)
	}
	return nil
}

var formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// openAsAlice opens a page that needs a login, as a browser that nobody has used yet: it lands at the provider, says there that it is
// alice, and comes back to the page.
func openAsAlice(ctx context.Context, address string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, Timeout: time.Minute}
	at, text, err := open(ctx, browser, http.MethodGet, address, "")
	if err != nil {
		return err
	}
	action := formAction.FindStringSubmatch(text)
	if action == nil {
		return fmt.Errorf("%s ends at %s, which has no form: %s", address, at, text)
	}
	form, err := at.Parse(html.UnescapeString(action[1]))
	if err != nil {
		return err
	}
	at, text, err = open(ctx, browser, http.MethodPost, form.String(), "user=alice")
	if err == nil && (at.String() != address || !strings.Contains(text, "alice")) {
		err = fmt.Errorf("the login ends at %s, not at %s: %s", at, address, text)
	}
	return err
}

// open returns the address and the text that a browser ends at.
func open(ctx context.Context, browser *http.Client, method, address, form string) (*url.URL, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Accept", "text/html")
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := browser.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.Request.URL, string(body), err
}
