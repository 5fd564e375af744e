package app

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Agent is a simple browser without JavaScript: it keeps cookies, follows redirects and submits forms.
type Agent struct{ client *http.Client }

// NewAgent returns an agent without cookies.
func NewAgent() *Agent {
	jar, _ := cookiejar.New(nil) // fails never
	return &Agent{&http.Client{Jar: jar, Timeout: direct.Timeout, CheckRedirect: direct.CheckRedirect}}
}

// Page is what an agent shows after its last request: an address, and the response.
type Page struct {
	URL *url.URL
	Answer
}

// Open opens an address and follows redirects. At a redirect to an address that begins with stop it ends: it returns that address
// with the redirect as the response, and does not open it. stop "": it follows all redirects.
func (a *Agent) Open(t testing.TB, address, stop string) Page {
	t.Helper()
	return a.do(t, http.MethodGet, address, nil, stop)
}

// Submit posts a form and follows redirects as [Agent.Open] does.
func (a *Agent) Submit(t testing.TB, address string, form url.Values, stop string) Page {
	t.Helper()
	return a.do(t, http.MethodPost, address, form, stop)
}

// Cookies returns the cookies that a request for an address would have.
func (a *Agent) Cookies(t testing.TB, address string) []*http.Cookie {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return a.client.Jar.Cookies(u)
}

func (a *Agent) do(t testing.TB, method, address string, form url.Values, stop string) Page {
	t.Helper()
	for range 20 {
		request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		if form != nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer := ask(t, a.client, request)
		location := answer.Header.Get("Location")
		if answer.Status < 300 || answer.Status > 399 || location == "" {
			return Page{request.URL, answer}
		}
		next, err := request.URL.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if stop != "" && strings.HasPrefix(next.String(), stop) {
			return Page{next, answer}
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	t.Fatal("redirects without end")
	return Page{}
}

// SignIn opens an address of a provider and submits each form that comes, with the user's name and password filled in. It returns
// the first address that begins with stop, without opening it; or, for stop "", the first page without a form.
func (a *Agent) SignIn(t testing.TB, address, stop, user, password string) Page {
	t.Helper()
	page := a.Open(t, address, stop)
	for range 10 {
		if stop != "" && strings.HasPrefix(page.URL.String(), stop) {
			return page
		}
		action, form, found := firstForm(page.Body, user, password)
		if !found && stop == "" {
			return page
		}
		if !found {
			t.Fatalf("%s: status %d, no form: %.2000s", page.URL.Path, page.Status, page.Body)
		}
		to, err := page.URL.Parse(action)
		if err != nil {
			t.Fatal(err)
		}
		page = a.do(t, http.MethodPost, to.String(), form, stop)
	}
	t.Fatalf("forms without end at %s: %.2000s", page.URL.Path, page.Body)
	return Page{}
}

// firstForm is the first form of a page that is posted, filled in: user and password, the values that are there, and the
// first button.
func firstForm(page, user, password string) (action string, values url.Values, found bool) {
	document, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return "", nil, false
	}
	for node := range document.Descendants() {
		if node.Data != "form" || !strings.EqualFold(attribute(node, "method"), "post") {
			continue
		}
		values, pressed := url.Values{}, false
		for field := range node.Descendants() {
			name, value := attribute(field, "name"), attribute(field, "value")
			switch kind := attribute(field, "type"); {
			case field.Type != html.ElementNode || name == "":
			case field.Data == "button" || kind == "submit":
				if !pressed {
					values.Set(name, value)
				}
				pressed = true
			case field.Data != "input" || kind == "checkbox" || kind == "radio":
			case kind == "password":
				values.Set(name, password)
			case kind != "hidden" && value == "":
				values.Set(name, user)
			default:
				values.Set(name, value)
			}
		}
		if !pressed {
			pressOutside(document, attribute(node, "id"), values)
		}
		return attribute(node, "action"), values, true
	}
	return "", nil, false
}

// pressOutside presses the first button that names a form without standing in it. A button without a name adds nothing.
func pressOutside(document *html.Node, form string, values url.Values) {
	for field := range document.Descendants() {
		if form == "" || field.Data != "button" || attribute(field, "form") != form {
			continue
		}
		if name := attribute(field, "name"); name != "" {
			values.Set(name, attribute(field, "value"))
		}
		return
	}
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Login logs a user in as a browser does, through the application's callback route, and returns the response of that route.
func (a *App) Login(t testing.TB, agent *Agent, user, password string) Answer {
	t.Helper()
	callback := a.URL + Prefix + "/auth/v2/callback"
	query := url.Values{"redirect_uri": {callback}, "offline_access": {"true"}}
	back := agent.SignIn(t, a.URL+Prefix+"/auth/v2/login?"+query.Encode(), callback, user, password)
	return agent.Open(t, back.URL.String(), "").Answer
}

// program is where a program on the user's machine waits for the browser. Nobody listens there in these tests.
const program = "http://localhost:53100/callback"

// ProgramLogin logs a user in as a program on the user's machine does, with a loopback redirect URI. It returns the form with the code
// for the token route, and does not send it.
func (a *App) ProgramLogin(t testing.TB, agent *Agent, user, password string) url.Values {
	t.Helper()
	query := url.Values{"redirect_uri": {program}, "offline_access": {"true"}}
	back := agent.SignIn(t, a.URL+Prefix+"/auth/v2/login?"+query.Encode(), program, user, password).URL.Query()
	return url.Values{"code": {back.Get("code")}, "redirect_uri": {program}, "code_verifier": {back.Get("state")}}
}
