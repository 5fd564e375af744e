package core_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/go-oidc-auth/oidcauth/core"
)

const plainChallenge = `Bearer realm="oidcauth"`

// Where a token may stand, and the whole answer when it does not.
func TestAuthorizationHeader(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	good := idp.token()
	const (
		missing   = `{"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated"}`
		invalid   = `{"detail":"Invalid token","error":"invalid_token","error_description":"Invalid token"}`
		several   = `{"detail":"Several Authorization headers.","error":"invalid_request","error_description":"Several Authorization headers."}`
		badToken  = plainChallenge + `, error="invalid_token", error_description="Invalid token"`
		badHeader = plainChallenge + `, error="invalid_request", error_description="Several Authorization headers."`
	)
	for name, c := range map[string]struct {
		header    []string
		status    int
		body      string
		challenge string
	}{
		"Bearer":                  {[]string{"Bearer " + good}, 200, "", ""},
		"lower case":              {[]string{"bearer " + good}, 200, "", ""},
		"upper case":              {[]string{"BEARER " + good}, 200, "", ""},
		"two spaces":              {[]string{"Bearer  " + good}, 200, "", ""},
		"none":                    {nil, 401, missing, plainChallenge},
		"empty list":              {[]string{}, 401, missing, plainChallenge},
		"empty":                   {[]string{""}, 401, missing, plainChallenge},
		"no token":                {[]string{"Bearer"}, 401, missing, plainChallenge},
		"spaces alone":            {[]string{"Bearer   "}, 401, missing, plainChallenge},
		"Basic":                   {[]string{"Basic dXNlcjpwdw=="}, 401, missing, plainChallenge},
		"DPoP is no bearer":       {[]string{"DPoP " + good}, 401, missing, plainChallenge},
		"the token alone":         {[]string{good}, 401, missing, plainChallenge},
		"a tab":                   {[]string{"Bearer\t" + good}, 401, missing, plainChallenge},
		"a bad token":             {[]string{"Bearer nonsense"}, 401, invalid, badToken},
		"a quoted token":          {[]string{`Bearer "` + good + `"`}, 401, invalid, badToken},
		"two in one value":        {[]string{"Bearer " + good + ", Bearer " + good}, 401, invalid, badToken},
		"a NUL":                   {[]string{"Bearer " + good + "\x00"}, 401, invalid, badToken},
		"broken UTF-8":            {[]string{"Bearer \xff\xfe"}, 401, invalid, badToken},
		"a megabyte":              {[]string{"Bearer " + strings.Repeat("a.", 1<<19)}, 401, invalid, badToken},
		"two headers":             {[]string{"Bearer " + good, "Bearer " + good}, 400, several, badHeader},
		"two, the second is none": {[]string{"Bearer " + good, ""}, 400, several, badHeader},
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := decide(t.Context(), auth.Required(), c.header)
			if got := statusOf(t, caller, err); got != c.status {
				t.Fatalf("got %d, %v", got, err)
			}
			guest, optionalErr := decide(t.Context(), auth.Optional(), c.header)
			if optionalErr != nil || (guest != nil) != (c.status == 200) {
				t.Errorf("optional gives %v, %v", guest, optionalErr)
			}
			if err == nil {
				return
			}
			answer := auth.Answer(t.Context(), core.Credentials{}, err)
			if answer.Status != c.status || string(answer.Body) != c.body {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
			want := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "Www-Authenticate": {c.challenge}}
			for name := range want {
				if answer.Header.Get(name) != want.Get(name) {
					t.Errorf("header %s is %q", name, answer.Header.Get(name))
				}
			}
			if len(answer.Header) != len(want) {
				t.Errorf("got header %v", answer.Header)
			}
		})
	}
}

// A requirement that is not met is a 403 with the names of the scopes that are missing.
func TestForbidden(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	const (
		noClaim = `{"detail":"Insufficient permissions based on token claims.","error":"insufficient_scope","error_description":"Insufficient permissions based on token claims."}`
		denied  = plainChallenge + `, error="insufficient_scope", error_description="Insufficient permissions based on token claims."`
	)
	for name, c := range map[string]struct {
		guard           *core.Guard
		body, challenge string
	}{
		"a scope": {auth.Required(core.Scopes("write admin read")),
			`{"detail":"Token missing required scopes: admin, write","error":"insufficient_scope","error_description":"Token missing required scopes: admin, write"}`,
			plainChallenge + `, error="insufficient_scope", error_description="Token missing required scopes: admin, write", scope="write admin read"`},
		"a role":                {auth.Required(core.Roles("admin")), noClaim, denied},
		"a claim":               {auth.Required(core.Claim("groups", "x")), noClaim, denied},
		"a check":               {auth.Required(core.Check("no", func(*core.IDToken) bool { return false })), noClaim, denied},
		"nothing":               {auth.Required(core.Requirement{}), noClaim, denied},
		"scopes before claims":  {auth.Required(core.Roles("admin"), core.Scopes("write")), `{"detail":"Token missing required scopes: write","error":"insufficient_scope","error_description":"Token missing required scopes: write"}`, plainChallenge + `, error="insufficient_scope", error_description="Token missing required scopes: write", scope="write"`},
		"scopes before nothing": {auth.Required(core.Requirement{}, core.Scopes("write")), `{"detail":"Token missing required scopes: write","error":"insufficient_scope","error_description":"Token missing required scopes: write"}`, plainChallenge + `, error="insufficient_scope", error_description="Token missing required scopes: write", scope="write"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := admit(t, c.guard, idp.token(claims{"scope": "read"}))
			answer := auth.Answer(t.Context(), core.Credentials{}, err)
			if answer.Status != http.StatusForbidden || string(answer.Body) != c.body || answer.Header.Get("WWW-Authenticate") != c.challenge {
				t.Errorf("got %d %s %q", answer.Status, answer.Body, answer.Header.Get("WWW-Authenticate"))
			}
			wantStatus(t, c.guard, "nonsense", http.StatusUnauthorized) // who it is comes before what they may
		})
	}
}

// An optional guard has guests where a required one refuses; RejectInvalid refuses all but who brings nothing.
func TestOptional(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	scoped := core.Scopes("read")
	for name, c := range map[string]struct {
		header        []string
		guest         bool
		rejectInvalid int
	}{
		"good":          {[]string{"Bearer " + idp.token(claims{"scope": "read"})}, false, 200},
		"none":          {nil, true, 200},
		"Basic":         {[]string{"Basic x"}, true, 200},
		"bad":           {[]string{"Bearer x"}, true, 401},
		"expired":       {[]string{"Bearer " + idp.token(claims{"exp": 1, "scope": "read"})}, true, 401},
		"of wrong type": {[]string{"Bearer " + idp.token(claims{"scope": 1})}, true, 401},
		"lacks a scope": {[]string{"Bearer " + idp.token()}, true, 403},
		"two headers":   {[]string{"Bearer x", "Bearer y"}, true, 400},
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := decide(t.Context(), auth.Optional(scoped), c.header)
			if err != nil || (caller == nil) != c.guest {
				t.Errorf("got %v, %v", caller, err)
			}
			caller, err = decide(t.Context(), auth.Optional(scoped, core.RejectInvalid), c.header)
			if got := statusOf(t, caller, err); got != c.rejectInvalid {
				t.Errorf("with RejectInvalid: got %d, %v", got, err)
			}
		})
	}
}

// The header's value may be a view of memory that another request gets later: nothing of it is kept.
func TestAdmitKeepsNothing(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required()
	token := idp.token(claims{"scope": "read", "preferred_username": "Alice"})
	memory := []byte("Bearer " + token)
	caller, err := decide(t.Context(), guard, []string{unsafe.String(&memory[0], len(memory))})
	if err != nil {
		t.Fatal(err)
	}
	for i := range memory {
		memory[i] = 'x'
	}
	if caller.Raw() != token || caller.Subject() != "alice" || caller.Username() != "Alice" || caller.Scopes()[0] != "read" || caller.Issuer() != issuer {
		t.Errorf("the caller changed with the request's memory: %v", caller)
	}
}

// Guards may be used by many requests, and nobody is taken for somebody else.
func TestConcurrentCallers(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	required, optional := auth.Required(core.Scopes("read")), auth.Optional()
	users := []string{"alice", "bob", "carol", "dave"}
	tokens := make(map[string]string)
	for _, user := range users {
		tokens[user] = idp.token(claims{"sub": user, "scope": "read " + user})
	}
	var all sync.WaitGroup
	for i := range 200 {
		user := users[i%len(users)]
		all.Go(func() {
			for _, guard := range []*core.Guard{required, optional} {
				caller, err := decide(context.Background(), guard, []string{"Bearer " + tokens[user]})
				if err != nil || caller.Subject() != user || caller.Scopes()[1] != user || caller.Raw() != tokens[user] {
					t.Errorf("%s is taken for %v, %v", user, caller, err)
				}
			}
		})
	}
	all.Wait()
	if got := idp.count(keysPath); got != 1 {
		t.Errorf("%d fetches of the keys", got)
	}
}
