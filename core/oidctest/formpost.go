package oidctest

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
)

// formPost is the response_mode of OAuth 2.0 Form Post Response Mode.
const formPost = "form_post"

// submitScript sends the form of the page as soon as it is loaded. Without scripts, a person presses the button.
const submitScript = "document.forms[0].submit()"

// renderPost answers with a page that posts the answer to the client.
func (p *Provider) renderPost(w http.ResponseWriter, target string, answer url.Values) {
	sum := sha256.Sum256([]byte(submitScript))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = pages.ExecuteTemplate(w, "post", map[string]any{"Action": target, "Fields": answer}) // an error only means that the browser has disconnected
}

var (
	postedTo    = regexp.MustCompile(`<form id="answer" method="post" action="([^"]*)">`)
	postedField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// postOf returns the answer that a page posts, as the address and the query of a redirect; nil for any other page.
func postOf(text string) *url.URL {
	form := postedTo.FindStringSubmatch(text)
	if form == nil {
		return nil
	}
	target, err := url.Parse(html.UnescapeString(form[1]))
	if err != nil {
		return nil
	}
	answer := target.Query()
	for _, field := range postedField.FindAllStringSubmatch(text, -1) {
		answer.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	target.RawQuery = answer.Encode()
	return target
}
