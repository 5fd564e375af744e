package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// callerWith returns an admitted caller with these claims.
func callerWith(t testing.TB, changes ...claims) *core.IDToken {
	t.Helper()
	idp := newIDP(t)
	return mustAdmit(t, idp.auth().Required(), idp.token(changes...))
}

// Every method works on a guest.
func TestGuest(t *testing.T) {
	var guest *core.IDToken
	texts := guest.Issuer() + guest.Subject() + guest.Username() + guest.Email() + guest.Name() + guest.Raw()
	lists := len(guest.Audience()) + len(guest.Scopes()) + len(guest.Roles()) + len(guest.Claims())
	if texts != "" || lists != 0 || !guest.Expiry().IsZero() || guest.Claim("sub") != nil {
		t.Errorf("a guest has %q, %d entries, %v", texts, lists, guest.Expiry())
	}
	if claims, err := core.ClaimsAs[struct{ Sub string }](guest); claims.Sub != "" || err != nil {
		t.Errorf("ClaimsAs gives %v, %v", claims, err)
	}
	if got := fmt.Sprintf("%v %s %+v %#v", guest, guest, guest, guest); strings.Contains(got, "PANIC") || strings.Contains(got, "!") {
		t.Errorf("printed as %s", got)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "caller", guest)
	if strings.Contains(log.String(), "panic") {
		t.Errorf("logged as %s", log.String())
	}
	if got := core.IDTokenFrom(core.WithIDToken(t.Context(), nil)); got != nil {
		t.Errorf("the context gives %v", got)
	}
	if got := core.IDTokenFrom(context.Background()); got != nil {
		t.Errorf("an empty context gives %v", got)
	}
}

// The zero value, which tests of an application may use, is a guest and does not panic.
func TestZeroIDTokenIsAGuest(t *testing.T) {
	zero := new(core.IDToken)
	for name, call := range map[string]func(){
		"Issuer": func() { zero.Issuer() }, "Subject": func() { zero.Subject() }, "Username": func() { zero.Username() }, "Email": func() { zero.Email() },
		"Name": func() { zero.Name() }, "Audience": func() { zero.Audience() }, "Scopes": func() { zero.Scopes() }, "Roles": func() { zero.Roles() },
		"Expiry": func() { zero.Expiry() }, "Claim": func() { zero.Claim("sub") }, "Claims": func() { zero.Claims() }, "Raw": func() { zero.Raw() },
		"LogValue": func() { zero.LogValue() }, "ClaimsAs": func() { _, _ = core.ClaimsAs[struct{ Sub string }](zero) },
	} {
		func() {
			defer func() {
				if fault := recover(); fault != nil {
					t.Errorf("%s: %v", name, fault)
				}
			}()
			call()
		}()
	}
	if printed := fmt.Sprint(zero); strings.Contains(printed, "PANIC") {
		t.Errorf("printed as %s", printed)
	}
}

func TestAccessors(t *testing.T) {
	expires := time.Now().Add(10 * time.Minute).Truncate(time.Second)
	caller := callerWith(t, claims{
		"aud": []string{clientID, "b"}, "scope": "read  write read", "exp": expires.Unix(), "email": "a@example.org", "name": "Alice A.",
		"preferred_username": "alice1", "level": 3,
	})
	for name, c := range map[string]struct{ got, want any }{
		"Issuer":   {caller.Issuer(), issuer},
		"Subject":  {caller.Subject(), "alice"},
		"Audience": {caller.Audience(), []string{clientID, "b"}},
		"Scopes":   {caller.Scopes(), []string{"read", "write"}},
		"Expiry":   {caller.Expiry().Equal(expires), true},
		"Email":    {caller.Email(), "a@example.org"},
		"Name":     {caller.Name(), "Alice A."},
		"Username": {caller.Username(), "alice1"},
		"Claim":    {caller.Claim("level"), float64(3)},
		"Claims":   {caller.Claims()["level"], float64(3)},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s is %v, want %v", name, c.got, c.want)
		}
	}
	if got := core.IDTokenFrom(core.WithIDToken(t.Context(), caller)); got != caller {
		t.Errorf("the context gives %v", got)
	}
}

// The typed accessors treat claims of another type as absent.
func TestClaimsOfAnotherType(t *testing.T) {
	caller := callerWith(t, claims{"email": 1, "name": []string{"x"}, "preferred_username": claims{}, "uid": "u", "groups": "g"})
	if caller.Email() != "" || caller.Name() != "" || caller.Username() != "u" || caller.Roles() != nil {
		t.Errorf("got %q %q %q %v", caller.Email(), caller.Name(), caller.Username(), caller.Roles())
	}
}

func TestUsername(t *testing.T) {
	for name, c := range map[string]struct {
		claims claims
		want   string
	}{
		"none":                 {nil, ""},
		"the sub is none":      {claims{"sub": "x"}, ""},
		"preferred_username":   {claims{"preferred_username": "p", "uid": "u", "username": "n"}, "p"},
		"a hyphen":             {claims{"preferred-username": "p"}, "p"},
		"another case":         {claims{"Preferred_Username": "p"}, "p"},
		"user_name before uid": {claims{"uid": "u", "user_name": "n"}, "n"},
		"an empty one":         {claims{"preferred_username": "", "username": "n"}, "n"},
	} {
		if got := callerWith(t, c.claims).Username(); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Roles come in a fixed order, each once.
func TestRoles(t *testing.T) {
	caller := callerWith(t, claims{
		"roles": []string{"d", "a"}, "groups": []string{"/c", "b"},
		"realm_access":    claims{"roles": []string{"a"}},
		"resource_access": json.RawMessage(`{"z":{"roles":["other"]},"my-client":{"roles":["b","b2"]},"bad":{"roles":[1]},"worse":null}`),
	})
	if got, want := caller.Roles(), []string{"a", "b", "b2", "/c", "d"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestClaimPaths(t *testing.T) {
	caller := callerWith(t, claims{
		"a":                     claims{"b": claims{"c": "deep", "null": nil}, "b.c": "half", "list": []any{"x", claims{"y": "z"}}},
		"a.b.c":                 "whole",
		"https://app.example/x": claims{"y.z": true},
		"text":                  "t", "": "nameless", "null": nil, "empty.": claims{"": "odd"},
	})
	for path, want := range map[string]any{
		"a.b.c": "whole", "a.b": map[string]any{"c": "deep", "null": nil}, "a.list": []any{"x", map[string]any{"y": "z"}},
		"https://app.example/x.y.z": true, "text": "t", "": "nameless", "null": nil, "a.b.null": nil, "a.b.d": nil, "a.list.0": nil, "a.list.y": nil,
		"text.t": nil, "a.": nil, ".": nil, ".a": nil, "A.b.c": nil, "empty..": "odd", "missing": nil, "missing.b": nil,
	} {
		if got := caller.Claim(path); !reflect.DeepEqual(got, want) {
			t.Errorf("Claim(%q) is %v, want %v", path, got, want)
		}
	}
}

// Concurrent requests may share a caller: changing a returned value affects no other request.
func TestCopiesAreNotShared(t *testing.T) {
	caller := callerWith(t, claims{"aud": []string{clientID}, "scope": "read", "roles": []string{"r"}, "list": []string{"x"}, "object": claims{"a": "b"}})
	caller.Audience()[0], caller.Scopes()[0], caller.Roles()[0] = "changed", "changed", "changed"
	caller.Claims()["sub"] = "changed"
	caller.Claim("list").([]any)[0] = "changed"
	caller.Claims()["object"].(map[string]any)["a"] = "changed"
	raw, err := core.ClaimsAs[map[string]json.RawMessage](caller)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw["sub"] {
		raw["sub"][i] = 'x'
	}
	if all := fmt.Sprint(caller.Audience(), caller.Scopes(), caller.Roles(), caller.Claims(), caller.Subject()); strings.Contains(all, "changed") || strings.Contains(all, "xxx") {
		t.Errorf("a change shows: %s", all)
	}
}

func TestClaimsAs(t *testing.T) {
	caller := callerWith(t, claims{"level": 3, "nested": claims{"x": []int{1, 2}}})
	type wanted struct {
		Sub    string `json:"sub"`
		Level  int    `json:"level"`
		Nested struct {
			X []int `json:"x"`
		} `json:"nested"`
	}
	got, err := core.ClaimsAs[wanted](caller)
	if err != nil || got.Sub != "alice" || got.Level != 3 || len(got.Nested.X) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := core.ClaimsAs[struct {
		Sub int `json:"sub"`
	}](caller); err == nil || strings.Contains(err.Error(), "alice") {
		t.Errorf("the error is %v", err)
	}
}

// A field gets only the claim of exactly its name, as Claim reads it, at any depth, even if the token also has the name in other
// cases.
func TestClaimsAsFoldsNoNames(t *testing.T) {
	type Role struct {
		Name string `json:"name"`
	}
	type base struct {
		Department string `json:"department"`
		Hidden     string `json:"level"`
	}
	type Twice struct {
		Twice string `json:"twice"`
	}
	type Thrice struct {
		Twice  string `json:"twice"`
		Thrice string
	}
	type wanted struct {
		base
		*Twice
		Thrice
		Level  int             `json:"level"`
		Email  *string         `json:"email,omitempty"`
		Roles  []Role          `json:"roles"`
		Pair   [2]*Role        `json:"pair"`
		By     map[string]Role `json:"by"`
		Odd    map[string]any  `json:"odd"`
		Any    any             `json:"any"`
		Raw    json.RawMessage `json:"raw"`
		When   time.Time       `json:"when"`
		Dash   string          `json:"-,"` //nolint:staticcheck // a name, as encoding/json reads it
		Left   string          `json:"-"`
		Sub    string          // untagged: the claim "Sub"
		Same   string          `json:"same"`
		SAME   string          // another claim
		Quoted string          `json:"a\\b"` //nolint:staticcheck // encoding/json takes the name of the field
		Text   string          `json:"text"`
	}
	caller := callerWith(t, claims{
		"Department": "evil", "DEPARTMENT": "evil", "Level": 9, "LEVEL": 9, "Email": "evil", "eMail": "evil", "Twice": "evil", "twice": "ambiguous", "thrice": "evil",
		"roles": []claims{{"Name": "evil"}, {"name": "good", "NAME": "evil"}},
		"pair":  []any{claims{"Name": "evil"}, nil},
		"by":    claims{"x": claims{"nAme": "evil"}, "X": claims{"name": "good"}},
		"odd":   claims{"Name": claims{"Deep": 1}},
		"any":   claims{"Name": "kept"},
		"raw":   claims{"Name": "kept"},
		"when":  "2020-01-02T03:04:05Z", "-": "dash", "Left": "evil", "Dash": "evil", "SAME": "other", "Private": "evil", "private": "evil", "te\nxt": "evil", "TEXT": "evil", "Quoted": "by its name",
	})
	got, err := core.ClaimsAs[wanted](caller)
	if err != nil {
		t.Fatal(err)
	}
	want := wanted{
		Roles: []Role{{}, {"good"}}, Pair: [2]*Role{{}, nil}, By: map[string]Role{"x": {}, "X": {"good"}}, Odd: map[string]any{"Name": map[string]any{"Deep": 1.0}},
		Any: map[string]any{"Name": "kept"}, Raw: json.RawMessage(`{"Name":"kept"}`), When: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), Dash: "dash", SAME: "other", Quoted: "by its name",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if all, err := core.ClaimsAs[map[string]any](caller); err != nil || all["DEPARTMENT"] != "evil" || all["department"] != nil {
		t.Errorf("a map has %v, %v", all, err)
	}
	if pointer, err := core.ClaimsAs[*struct {
		Level int `json:"LEVEL"`
	}](caller); err != nil || pointer.Level != 9 {
		t.Errorf("got %+v, %v", pointer, err)
	}
	idp := newIDP(t)
	spaced := mustAdmit(t, idp.auth().Required(), idp.sign("k1", goodHeader, "\n "+toJSON(goodClaims(claims{"Department": "evil"}))+" "))
	if got, err := core.ClaimsAs[base](spaced); err != nil || got.Department != "" {
		t.Errorf("behind white space: %+v, %v", got, err)
	}
	if _, err := core.ClaimsAs[[]string](caller); err == nil {
		t.Error("claims are a list")
	}
}

// FuzzClaimsAs: what ClaimsAs reads into a field, Claim finds under its name.
func FuzzClaimsAs(f *testing.F) {
	f.Add("department", `"hr"`)
	f.Add("Department", `"hr"`)
	f.Add("DEPARTMENT", `{"Inner":1}`)
	f.Add("inner", `{"Department":"hr","department":"it"}`)
	f.Add("list", `[{"Department":"hr"},{"department":"it"},null]`)
	idp := newIDP(f)
	guard := idp.auth().Required()
	type inner struct {
		Department any `json:"department"`
	}
	type wanted struct {
		inner
		Inner *inner  `json:"inner"`
		List  []inner `json:"list"`
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if !json.Valid([]byte(value)) || !utf8.ValidString(name) {
			return
		}
		caller, err := admit(t, guard, idp.sign("k1", goodHeader, rawClaims(strings.Trim(toJSON(name), `"`), value)))
		if err != nil {
			return // not strict JSON, or a registered claim
		}
		got, err := core.ClaimsAs[wanted](caller)
		if err != nil {
			return // of another type
		}
		if !reflect.DeepEqual(got.Department, caller.Claim("department")) {
			t.Fatalf("%s of %s: %v", name, value, got)
		}
		if got.Inner != nil && !reflect.DeepEqual(got.Inner.Department, caller.Claim("inner.department")) {
			t.Fatalf("%s of %s: %+v", name, value, got.Inner)
		}
		list, _ := caller.Claim("list").([]any)
		for i, entry := range got.List {
			object, _ := list[i].(map[string]any)
			if !reflect.DeepEqual(entry.Department, object["department"]) {
				t.Fatalf("%s of %s: %+v", name, value, entry)
			}
		}
	})
}

// Printing or logging a caller never shows its token.
func TestTokenIsNotPrinted(t *testing.T) {
	caller := callerWith(t, claims{"email": "private@example.org"})
	raw := caller.Raw()
	signature := raw[strings.LastIndexByte(raw, '.')+1:]
	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "caller", caller, "group", slog.GroupValue(slog.Any("c", caller)), "list", []*core.IDToken{caller})
	slog.New(slog.NewJSONHandler(&object, nil)).Info("x", "caller", caller, "struct", struct{ Caller *core.IDToken }{caller})
	marshalled, err := json.Marshal(caller) //nolint:staticcheck // that nothing shows is the point
	if err != nil {
		t.Fatal(err)
	}
	ctx := core.WithIDToken(context.Background(), caller)
	for how, printed := range map[string]string{
		"%v": fmt.Sprintf("%v", caller), "%+v": fmt.Sprintf("%+v", caller), "%#v": fmt.Sprintf("%#v", caller), "%s": fmt.Sprintf("%s", caller),
		"%q": fmt.Sprintf("%q", caller), "%x": fmt.Sprintf("%x", caller), "%d": fmt.Sprintf("%d", caller), "Print": fmt.Sprint(caller),
		"a field":         fmt.Sprintf("%+v", struct{ Caller *core.IDToken }{caller}),
		"a hidden field":  fmt.Sprintf("%+v", struct{ caller *core.IDToken }{caller}),
		"a list":          fmt.Sprintf("%#v", []*core.IDToken{caller}),
		"a map":           fmt.Sprintf("%v", map[string]any{"caller": caller}),
		"an error":        fmt.Errorf("for %v: %w", caller, context.Canceled).Error(),
		"the context":     fmt.Sprint(ctx) + fmt.Sprintf("%+v", ctx),
		"slog, text":      text.String(),
		"slog, JSON":      object.String(),
		"JSON":            string(marshalled),
		"the value, %v":   fmt.Sprintf("%v", reflect.ValueOf(caller).Elem().Interface()),
		"the value, %+v":  fmt.Sprintf("%+v", reflect.ValueOf(caller).Elem().Interface()),
		"the value, %#v":  fmt.Sprintf("%#v", reflect.ValueOf(caller).Elem().Interface()),
		"the value, slog": logged(reflect.ValueOf(caller).Elem().Interface()),
	} {
		if strings.Contains(printed, signature) {
			t.Errorf("%s shows the token: %.200s", how, printed)
		}
		if strings.Contains(printed, "private@example.org") {
			t.Errorf("%s shows claims: %.200s", how, printed)
		}
	}
	for _, printed := range []string{fmt.Sprint(caller), text.String()} {
		if !strings.Contains(printed, issuer) || !strings.Contains(printed, "alice") {
			t.Errorf("does not say who it is: %s", printed)
		}
	}
}

func logged(value any) string {
	var text bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "value", value)
	return text.String()
}

// Absent claims are nil, as for a guest.
func TestAbsentLists(t *testing.T) {
	idp := newIDP(t)
	token := mustAdmit(t, idp.auth(func(c *core.Config) { c.Audience = []string{core.AnyAudience} }).Required(), idp.token(claims{"aud": nil, "scope": nil}))
	if token.Audience() != nil || token.Scopes() != nil || token.Roles() != nil {
		t.Errorf("got %#v, %#v, %#v", token.Audience(), token.Scopes(), token.Roles())
	}
}

// FuzzClaimPath: Claim returns what encoding/json decodes at that path.
func FuzzClaimPath(f *testing.F) {
	f.Add(`{"realm_access":{"roles":["a"]}}`, "realm_access.roles")
	f.Add(`{"a.b":{"c":1},"a":{"b":{"c":2},"b.c":3}}`, "a.b.c")
	f.Add(`{"":{"":{"":null}}}`, "..")
	f.Add(`[1]`, "0")
	f.Add(`"x"`, ".")
	idp := newIDP(f)
	guard := idp.auth().Required()
	f.Fuzz(func(t *testing.T, value, path string) {
		if !json.Valid([]byte(value)) {
			return
		}
		caller, err := admit(t, guard, idp.sign("k1", goodHeader, rawClaims("x", value)))
		if err != nil {
			return // not strict JSON
		}
		got := caller.Claim("x." + path)
		if want, found := lookUp(caller.Claims(), "x."+path); found && !reflect.DeepEqual(got, want) || !found && got != nil {
			t.Fatalf("Claim(%q) of %s is %v, want %v", "x."+path, value, got, want)
		}
		caller.Roles()
	})
}

// lookUp is a second implementation of the rule: at each level the whole rest of the path is tried as a name first.
func lookUp(value any, path string) (any, bool) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	if found := object[path]; found != nil {
		return found, true
	}
	for i, c := range []byte(path) {
		if c == '.' {
			if found, ok := lookUp(object[path[:i]], path[i+1:]); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// FuzzScopes: the scopes of a token are the words between single spaces, and a requirement is met if all of its scopes are among
// them.
func FuzzScopes(f *testing.F) {
	f.Add("read write", "read")
	f.Add("  read\twrite  ", "write")
	f.Add("read", "read write")
	f.Add("", " ")
	f.Add("é \u00a0x", "x")
	idp := newIDP(f)
	auth := idp.auth()
	f.Fuzz(func(t *testing.T, scope, wanted string) {
		token := idp.sign("k1", goodHeader, toJSON(goodClaims(claims{"scope": scope})))
		caller, err := admit(t, auth.Required(), token)
		if len(token) > jose.MaxTokenSize {
			return // refused unread
		}
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		words := caller.Scopes()
		for i, word := range words {
			if word == "" || strings.Contains(word, " ") || slices.Contains(words[:i], word) {
				t.Fatalf("%q has the words %q", scope, words)
			}
		}
		want := len(strings.Fields(wanted)) > 0
		for _, word := range strings.Fields(wanted) {
			want = want && slices.Contains(words, word) && strings.IndexFunc(word, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }) < 0
		}
		if _, err := admit(t, auth.Required(core.Scopes(wanted)), caller.Raw()); (err == nil) != want {
			t.Fatalf("token with %q, wanted %q: %v", scope, wanted, err)
		}
	})
}

// Person is the same in both modes: own tokens have two claims for it, which are ignored in tokens of other issuers.
func TestPerson(t *testing.T) {
	var loggedIn *core.IDToken
	f := newFlow(t, brokered(func(c *core.Config) {
		c.Broker.SubjectClaim = "preferred_username"
		c.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
			loggedIn = token.Caller()
			return nil
		}
	}))
	own := f.who(flowGranted(t, f.exchange(f.idp.AccessToken("alice", oidctest.Claims{"preferred_username": "ally"}), nil)).AccessToken)
	if own.Subject() != "ally" || own.Issuer() != brokerIssuer {
		t.Fatalf("got %v", own)
	}
	query, cookie := f.browser("alice")
	f.get("callback", query, cookie)
	idp := newIDP(t)
	auth := idp.auth()
	stranger := mustAdmit(t, auth.Required(), idp.token(claims{"idp_iss": "https://victim.example", "idp_sub": "bob"}))
	for name, c := range map[string]struct {
		caller          *core.IDToken
		issuer, subject string
	}{
		"own": {own, f.idp.Issuer(), "alice"}, "own, at its login": {loggedIn, f.idp.Issuer(), "alice"},
		"the provider's": {stranger, stranger.Issuer(), "alice"}, "a guest": {nil, "", ""},
	} {
		if issuer, subject := c.caller.Person(); issuer != c.issuer || subject != c.subject || c.caller.IsGuest() != (c.caller == nil) {
			t.Errorf("%s: got %s %s, a guest: %v", name, issuer, subject, c.caller.IsGuest())
		}
	}
	if !new(core.IDToken).IsGuest() {
		t.Error("the zero value is not a guest")
	}
}
