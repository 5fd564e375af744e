package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The command lines of the page take their secrets from files that only the user can read: no token is in the page, in the list of
// processes, or in the history of the shell.

// files names the two headers: of a bearer token, and of a session's cookie.
func (d *demo) files() (bearer, cookie string) {
	return fileOf(d.data, d.base, "bearer", "header"), fileOf(d.data, d.base, "cookie", "header")
}

// lend writes both files for the person in ctx: the access token that the session holds, and the cookie of a further session.
func (d *demo) lend(ctx context.Context, at *service) error {
	person := core.IDTokenFrom(ctx)
	if person.IsGuest() {
		return errNobody
	}
	token, err := at.auth.AccessToken(ctx)
	if err != nil {
		return err
	}
	cookie := d.provider.Session(at.auth, person.Username())
	if cookie.Value == "" {
		return errors.New("the provider does not let the command line log in")
	}
	bearerFile, cookieFile := d.files()
	return errors.Join(
		os.WriteFile(bearerFile, []byte("Authorization: Bearer "+token+"\n"), 0o600),
		os.WriteFile(cookieFile, []byte("Cookie: "+cookie.Name+"="+cookie.Value+"\n"), 0o600),
	)
}

// line is a command line of the page. Masked is what it shows until somebody wants the whole line.
type line struct {
	What, Text, Masked string
	Secret             bool
}

// lines returns the command lines, for the first service. {bearer} and {cookie} stand for the options with the files.
func (d *demo) lines() []line {
	at := d.base + d.services[0].Path
	bearer, cookie := d.files()
	whole := strings.NewReplacer("{bearer}", `-H "@`+bearer+`"`, "{cookie}", `-H "@`+cookie+`"`)
	masked := strings.NewReplacer("{bearer}", `-H "Authorization: Bearer ••••••••"`, "{cookie}", `-H "Cookie: ••••••••"`)
	list := []line{
		{What: "A program without a token", Text: "curl -i " + at + "/me"},
		{What: "With the access token that the session holds", Text: "curl -i {bearer} " + at + "/me"},
		{What: "A route for administrators", Text: "curl -i {bearer} " + at + "/admin"},
		{What: "A route for everybody", Text: "curl -i " + at + "/feed"},
		{What: "With the cookie of a session: it is in the list of sessions now", Text: "curl -i {cookie} " + at + "/auth/v2/session"},
		{What: "A form of another site, with the cookie", Text: `curl -i -X POST {cookie} -H "Sec-Fetch-Site: cross-site" ` + at + "/orders"},
		{What: "All sessions of the person", Text: "curl -i {cookie} " + at + "/auth/v2/sessions"},
		{What: "End the command line’s own session", Text: "curl -i -X POST {cookie} " + at + "/auth/v2/logout"},
		{What: "A device begins a login", Text: "curl -i -X POST " + at + "/auth/v2/device"},
		{What: "The device polls: write its device_code", Text: "curl -i " + at + "/auth/v2/token -d device_code=$DEVICE_CODE"},
	}
	for i := range list {
		template := list[i].Text
		list[i].Text, list[i].Masked = whole.Replace(template), masked.Replace(template)
		list[i].Secret = list[i].Text != list[i].Masked
	}
	return list
}
