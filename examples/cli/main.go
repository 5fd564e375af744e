// A command-line tool that calls an API for the person who runs it: shop login, shop login -device, shop get /me, shop logout.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

func main() {
	dir, err := os.UserConfigDir()
	if err != nil {
		log.Fatal(err)
	}
	t := &tool{
		service: cmp.Or(os.Getenv("SHOP_URL"), "http://localhost:8080"), // PUBLIC_URL of the API
		file:    filepath.Join(dir, "shop", "token.json"),
		out:     os.Stdout,
		open:    openBrowser,
	}
	if err := t.run(context.Background(), os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

type tool struct {
	service string
	file    string                     // has the tokens
	out     io.Writer                  // for the person
	open    func(address string) error // shows a page in the browser
}

func (t *tool) run(ctx context.Context, args []string) error {
	switch {
	case slices.Equal(args, []string{"login"}):
		return t.login(ctx)
	case slices.Equal(args, []string{"login", "-device"}):
		return t.loginDevice(ctx)
	case len(args) == 2 && args[0] == "get":
		return t.get(ctx, args[1])
	case slices.Equal(args, []string{"logout"}):
		return t.logout(ctx)
	}
	return errors.New("usage: shop login [-device] | get PATH | logout")
}

func (t *tool) say(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// config describes the routes of the service. The service is the provider's client; this tool needs no registration and no secret.
func (t *tool) config(redirect string) *oauth2.Config {
	routes := t.service + "/auth/v2/"
	return &oauth2.Config{ClientID: "shop", RedirectURL: redirect, Endpoint: oauth2.Endpoint{
		AuthURL: routes + "login", TokenURL: routes + "token", DeviceAuthURL: routes + "device", AuthStyle: oauth2.AuthStyleInParams,
	}}
}

// login opens the browser and waits on loopback until it comes back (RFC 8252).
func (t *tool) login(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a free port, for this machine alone
	if err != nil {
		return err
	}
	cfg := t.config("http://" + listener.Addr().String() + "/callback")
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	back := make(chan url.Values, 1)
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: callback(state, back)}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Shutdown(context.WithoutCancel(ctx)) }() // after the page has been sent

	address := cfg.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("offline_access", "true"))
	t.say("Log in with your browser: %s\n", address)
	_ = t.open(address) // without a browser the person opens the address
	select {
	case <-ctx.Done():
		return errors.New("nobody has logged in")
	case query := <-back:
		if query.Get("code") == "" {
			return errors.New("the login was refused")
		}
		token, err := cfg.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			return err
		}
		return t.save(token)
	}
}

// callback takes the redirect of this login alone: any page in the browser can send a request here.
func callback(state string, back chan<- url.Values) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("state") != state {
			http.Error(w, "This is not the login that was begun.", http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "You can close this window.")
		select {
		case back <- r.URL.Query():
		default: // it has come already
		}
	})
	return mux
}

// loginDevice shows a code that the person types on another device (RFC 8628).
func (t *tool) loginDevice(ctx context.Context) error {
	cfg := t.config("")
	start, err := cfg.DeviceAuth(ctx)
	if err != nil {
		return err
	}
	t.say("Open %s and type the code %s. Confirm it only if you began this yourself.\n", start.VerificationURI, start.UserCode)
	token, err := cfg.DeviceAccessToken(ctx, start) // asks until the person has answered
	if err != nil {
		return err
	}
	return t.save(token)
}

// get calls the API, with a new token if the last one has expired.
func (t *tool) get(ctx context.Context, path string) error {
	kept, err := t.load()
	if err != nil {
		return err
	}
	token, err := t.config("").TokenSource(ctx, kept).Token()
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return errors.New("your login has ended: run shop login")
	case err != nil: // the service cannot be reached: the token may still be good later
		return err
	case token.AccessToken != kept.AccessToken:
		if err := t.save(token); err != nil { // at once: the old refresh token may be spent
			return err
		}
	}
	answer, err := t.send(ctx, token, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return errors.New("the API answers " + answer.Status)
	}
	_, err = io.Copy(t.out, answer.Body)
	return err
}

// logout ends the login at the service, and forgets the tokens.
func (t *tool) logout(ctx context.Context) error {
	kept, err := t.load()
	if err != nil {
		return err
	}
	answer, err := t.send(ctx, kept, http.MethodPost, "/auth/v2/logout", url.Values{"refresh_token": {kept.RefreshToken}})
	if err == nil {
		_ = answer.Body.Close()
	}
	return errors.Join(err, os.Remove(t.file))
}

func (t *tool) send(ctx context.Context, token *oauth2.Token, method, path string, form url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, t.service+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	token.SetAuthHeader(request)
	return (&http.Client{Timeout: 30 * time.Second}).Do(request)
}

// save writes the token to a file of this person alone, which never has half a token.
func (t *tool) save(token *oauth2.Token) error {
	text, err := json.Marshal(token)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(t.file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(t.file+".new", t.file)
}

func (t *tool) load() (*oauth2.Token, error) {
	text, err := os.ReadFile(t.file)
	if err != nil {
		return nil, fmt.Errorf("you are not logged in, run shop login: %w", err)
	}
	token := &oauth2.Token{}
	return token, json.Unmarshal(text, token)
}

func openBrowser(address string) error {
	command := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	return exec.Command(command[0], append(command[1:], address)...).Start()
}
