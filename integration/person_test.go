package integration

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// site is the origin of the fleet: a browser sees one host, and which instance answers is nobody's business.
const site = "http://localhost:8080"

// What a browser sends when a person goes to an address, and for a script of the site.
var (
	navigation = http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none"}, "Accept": {"text/html"}}
	script     = http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"}, "Accept": {"*/*"}}
)

// person is somebody with a browser, which keeps cookies. It is for one goroutine.
type person struct {
	fleet *fleet
	name  string
	jar   map[string]string
}

// signIn opens /me in a new browser, logs in and comes back. Each request goes to the next of the instances.
func (f *fleet) signIn(name string, instances ...*instance) *person {
	f.t.Helper()
	p := &person{fleet: f, name: name, jar: map[string]string{}}
	target := "/me"
	for n := range 10 {
		status, header, text := p.do(instances[n%len(instances)], http.MethodGet, target, navigation, nil)
		location := header.Get("Location")
		if location == "" {
			if status != http.StatusOK || target != "/me" || text != name+"\n" {
				f.t.Fatalf("the login ends at %s: %d %s", target, status, text)
			}
			return p
		}
		if strings.HasPrefix(location, f.idp.URL(oidctest.Authorization)) {
			back, err := f.idp.Approve(location, name)
			if err != nil {
				f.t.Fatal(err)
			}
			location = back.String()
		}
		own := false
		if target, own = strings.CutPrefix(location, site); !own {
			f.t.Fatalf("the login leads to %s", location)
		}
	}
	f.t.Fatal("the login goes round in circles")
	return nil
}

// thief is somebody who has copied the cookies.
func (p *person) thief() *person { return &person{p.fleet, p.name, maps.Clone(p.jar)} }

// do makes a request, with a form unless it is nil, and takes the answer's cookies. Status 0: no answer.
func (p *person) do(i *instance, method, target string, kind http.Header, form url.Values) (int, http.Header, string) {
	request := p.request(i, method, target, kind, form)
	if request == nil {
		return 0, nil, ""
	}
	response, err := client.Do(request)
	if err == nil {
		for _, cookie := range response.Cookies() {
			if cookie.MaxAge < 0 {
				delete(p.jar, cookie.Name)
			} else {
				p.jar[cookie.Name] = cookie.Value
			}
		}
	}
	return answerOf(response, err)
}

func (p *person) request(i *instance, method, target string, kind http.Header, form url.Values) *http.Request {
	request, err := http.NewRequest(method, i.base+target, strings.NewReader(form.Encode()))
	if err != nil {
		p.fleet.t.Error(err)
		return nil
	}
	request.Header = kind.Clone()
	if method != http.MethodGet {
		request.Header.Set("Origin", site)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range p.jar {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return request
}

// status is what a script gets that asks for /me. It may be called from several goroutines.
func (p *person) status(i *instance) int {
	request := p.request(i, http.MethodGet, "/me", script, nil)
	if request == nil {
		return 0
	}
	status, _, text := answerOf(client.Do(request))
	if status == http.StatusOK && text != p.name+"\n" {
		p.fleet.t.Errorf("%s is taken for %s", p.name, text)
	}
	return status
}

// has fails the test unless the instances answer with this status.
func (p *person) has(t *testing.T, when string, want int, instances ...*instance) {
	t.Helper()
	for n, i := range instances {
		if status := p.status(i); status != want {
			t.Errorf("%s: %s has %d on instance %d of %d, want %d", when, p.name, status, n+1, len(instances), want)
		}
	}
}

// stream opens one and returns a channel that is closed when it ends.
func (p *person) stream(i *instance) <-chan struct{} {
	p.fleet.t.Helper()
	response, err := client.Do(p.request(i, http.MethodGet, "/stream", script, nil))
	if err != nil || response.StatusCode != http.StatusOK {
		p.fleet.t.Fatalf("no stream: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
	}()
	return ended
}

// logout presses the button and returns the status and where it leads.
func (p *person) logout(i *instance, kind http.Header) (int, string) {
	status, header, _ := p.do(i, http.MethodPost, "/api/auth/v2/logout", kind, url.Values{})
	return status, header.Get("Location")
}
