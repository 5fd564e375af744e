package compat

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const head = `# Compatibility

oidcauth should work with every provider that follows OpenID Connect, without special settings. This page lists the software that its tests
were run with. All of it is unchanged, as its own registry or Debian 12 has it. A part that is not listed was not tested.

## In short

The adapters are chi (v5), echo (v4) and echo5 (v5), fiber (v2) and fiber3 (v3), gin (v1) and net/http, with Go 1.26 or later.

`

// databases are those that the tests of brokerstore start; their rows are not collected.
const databases = `
| database | version | notes |
| --- | --- | --- |
| PostgreSQL | 15 | |
| MariaDB | 10.11 | MySQL itself was not tested |
| Redis | 7.0 | |
| SQLite | 3, compiled into the program | |
| MongoDB | a stand-in for the server | [what that shows, and what not](../brokerstore/mongostore/README.md#limits) |

[Providers](providers.md) has the settings for each provider, and [stores](stores.md) helps you choose a database. The rest of this page is
the details: every check that passed, and below each table what does not work, or works differently. ` + "`make integration`" + ` writes this page.
`

// kinds are the tables of the summary, with the parts of each.
var kinds = []struct {
	name  string
	parts []string
}{
	{"provider", []string{"Keycloak", "LemonLDAP::NG", "node-oidc-provider", "ory/fosite", "zitadel/oidc"}},
	{"client or browser", []string{"Chromium", "golang.org/x/oauth2", "MCP Go SDK", "MCP Python SDK", "MCP TypeScript SDK", "openid-client",
		"py-oidc-auth-client"}},
	{"service that shares logins", []string{"py-oidc-auth"}},
}

const otherKind = "other software"

// Page returns the text of docs/compatibility.md: what was tested, in which version, and then the tables of [Markdown].
func Page(rows []Row) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString(summary(rows))
	b.WriteString(databases)
	b.WriteString(Markdown(rows))
	return b.String()
}

// summary has a table for each kind, with a line for each part. A part without a kind is in the last table.
func summary(rows []Row) string {
	lines := map[string][]string{}
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r Row) bool { return r.Part != rows[0].Part })
		if n < 0 {
			n = len(rows)
		}
		kind := kindOf(rows[0].Part)
		lines[kind] = append(lines[kind], line(rows[:n]))
		rows = rows[n:]
	}
	var tables []string
	for _, kind := range append(names(), otherKind) {
		if len(lines[kind]) > 0 {
			tables = append(tables, fmt.Sprintf("| %s | version | adapters | modes | checks passed | gaps |\n| --- | --- | --- | --- | --- | --- |\n%s",
				kind, strings.Join(lines[kind], "")))
		}
	}
	return strings.Join(tables, "\n")
}

// line sums up the rows of one part.
func line(rows []Row) string {
	var versions, adapters, modes, passed, gaps []string
	for _, row := range rows {
		versions = union(versions, []string{row.Version})
		if row.Mode != "" { // otherwise no adapter is between
			adapters = union(adapters, []string{row.Adapter})
			modes = union(modes, []string{row.Mode})
		}
		passed = union(passed, row.Passed)
		gaps = union(gaps, row.Lacks)
	}
	slices.Sort(adapters)
	slices.Sort(modes)
	list := func(texts []string) string { return cell(strings.Join(texts, ", ")) }
	return fmt.Sprintf("| [%s](#%s) | %s | %s | %s | %d | %d |\n",
		cell(rows[0].Part), anchor(rows[0].Part), list(versions), list(adapters), list(modes), len(passed), len(gaps))
}

func kindOf(part string) string {
	for _, kind := range kinds {
		if slices.Contains(kind.parts, part) {
			return kind.name
		}
	}
	return otherKind
}

func names() (list []string) {
	for _, kind := range kinds {
		list = append(list, kind.name)
	}
	return list
}

// anchor is the fragment that GitHub gives to a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}
