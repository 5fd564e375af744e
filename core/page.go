package core

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// page is a page that the library itself shows to people. It has no script, and shows no text from a request or a provider.
type page struct {
	Title, Text string
	// Action is the target of the button, a POST with Fields; Link is the target of the link. "" leaves them out.
	Action, Button string
	Fields         map[string]string
	Link, LinkText string
	Choices        []Choice
}

var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere;max-width:34rem;margin:15vh auto 0;padding:0 1.5rem}h1{font-size:1.4rem}button,a.button{font:inherit;padding:.5rem 1.2rem;border:1px solid;border-radius:.4rem;background:none;color:inherit;text-decoration:none;display:inline-block;cursor:pointer}ul{list-style:none;padding:0}li{margin:.6rem 0}li a.button{display:block}button:focus-visible,a:focus-visible{outline:3px solid;outline-offset:2px}</style>
</head><body><main><h1>{{.Title}}</h1><p>{{.Text}}</p>
{{- if .Action}}<form method="post" action="{{.Action}}">{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}<button>{{.Button}}</button></form>{{end}}
{{- if .Choices}}<ul role="list">{{range .Choices}}<li><a class="button" href="{{.URL}}">{{.Label}}</a></li>{{end}}</ul>{{end}}
{{- if .Link}}<p><a class="button" href="{{.Link}}">{{.LinkText}}</a></p>{{end}}</main></body></html>
`))

// response renders the page. It cannot be framed, and loads nothing.
func (p page) response(status int) *Response {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		body.Reset()
		body.WriteString("Internal error.")
	}
	answer := &Response{Status: status, Header: make(http.Header), Body: body.Bytes()}
	answer.Header.Set("Content-Type", "text/html; charset=utf-8")
	forms := "form-action 'none'; "
	if p.Action != "" { // no rule: Chrome applies it to redirects too, and a logout leads to the provider
		forms = ""
	}
	answer.Header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; "+forms+"base-uri 'none'; frame-ancestors 'none'")
	answer.Header.Set("X-Content-Type-Options", "nosniff")
	noStore(answer.Header)
	return answer
}

// refusalPage renders a refusal for people, with the status and the headers of [Error.Response]. title is its heading, unless the refusal has
// one of its own. What a person can solve by a login has a link to it, anything else a link to Home.
func (a *Auth) refusalPage(e *Error, title string) *Response {
	p := page{Title: title, Text: cmp.Or(e.people, e.Detail, "Please try again."), Link: a.originURL(a.cfg.Sessions.Home), LinkText: "Back"}
	if e.people != "" {
		p.Link, p.LinkText = a.loginURL(""), "Log in"
	}
	switch {
	case e.Status == http.StatusForbidden && e.Code == CodeInsufficientScope:
		p.Title, p.Text = "No access", "You are logged in, but you may not see this page."
	case e.Status == http.StatusServiceUnavailable:
		p.Title, p.Text = "Please try again in a moment", "A service that is needed here is not available now."
	case e.kind == fault.Foreign:
		p.Title, p.Text = didNotWork, "Another site made your browser send this. It was not processed."
	case e.kind == fault.Weak:
		p.Title, p.Link, p.LinkText = "Another login is needed", cmp.Or(e.retry, a.originURL(a.cfg.Sessions.Home)), "Try again"
	case e.isNobody():
		p.Title = "Please log in"
	}
	answer := p.response(e.Status)
	e.addTo(answer.Header)
	return answer
}

// The headings of refusals for people.
const (
	didNotWork      = "This did not work"
	loginDidNotWork = "The login did not work"
)
