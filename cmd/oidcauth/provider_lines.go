package main

import (
	"crypto/rand"
	"regexp"
	"strings"
)

// quotes has, for each way to print the environment, how a line begins and how a value is quoted.
var quotes = map[string]struct {
	begin, between string
	quote          func(string) string
}{
	"sh":         {"export ", "=", quoteShell},
	"powershell": {"$env:", " = ", func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }},
	"env":        {"", "=", func(text string) string { return text }},
}

// environment returns the lines to paste. The secret key is a new one each time.
func (p *providerFile) environment(discoveryURL string) (string, error) {
	first := p.Clients[0]
	as := quotes[p.Lines]
	var text strings.Builder
	for _, variable := range [][2]string{
		{"DISCOVERY_URL", discoveryURL}, {"CLIENT_ID", first.ID}, {"CLIENT_SECRET", first.Secret}, {"PUBLIC_URL", p.PublicURL},
		{"SECRET_KEY", rand.Text() + rand.Text()},
	} {
		if strings.ContainsAny(variable[1], "\r\n\x00") {
			return "", misused("%s has a line break", variable[0])
		}
		text.WriteString(as.begin + variable[0] + as.between + as.quote(variable[1]) + "\n")
	}
	return text.String(), nil
}

// harmless matches what a shell takes as it is.
var harmless = regexp.MustCompile(`^[\w./:@%+=,-]+$`)

func quoteShell(text string) string {
	if harmless.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
