package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	defaultAddress   = "127.0.0.1:8081"
	defaultPublicURL = "http://127.0.0.1:8080"
	maxFile          = 1 << 20 // bytes
)

// providerFile has the settings of the provider, as in the JSON file. Every member may be missing.
type providerFile struct {
	Address   string   `json:"address"`
	PublicURL string   `json:"public_url"`
	Lines     string   `json:"lines"`
	Password  string   `json:"password"`
	Consent   bool     `json:"consent"`
	Opaque    bool     `json:"opaque"`
	TokenTTL  duration `json:"token_ttl"`
	Scopes    []string `json:"scopes"`
	Resources []string `json:"resources"`
	ACR       []string `json:"acr"`     // levels of logins
	Clients   []client `json:"clients"` // the first is that of the printed lines
	Users     []user   `json:"users"`   // instead of the built-in ones

	more []user // of flags, beside the others
}

type client struct {
	ID                   string   `json:"id"`
	Secret               string   `json:"secret"`
	RedirectURIs         []string `json:"redirect_uris"`
	PostLogoutURIs       []string `json:"post_logout_uris"`
	Audience             []string `json:"audience"`
	BackChannelLogoutURI string   `json:"back_channel_logout_uri"`

	Keys *json.RawMessage `json:"keys"` // JWK set
}

func (c client) client() oidctest.Client {
	var keys []byte
	if c.Keys != nil {
		keys = *c.Keys
	}
	return oidctest.Client{
		ID: c.ID, Secret: c.Secret, Keys: keys, RedirectURIs: c.RedirectURIs, PostLogoutURIs: c.PostLogoutURIs,
		Audience: c.Audience, BackChannelLogoutURI: c.BackChannelLogoutURI,
	}
}

type user struct {
	Name     string         `json:"name"`
	Password string         `json:"password"`
	Claims   map[string]any `json:"claims"`
}

// duration is a text such as "5m" in JSON.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = duration(value)
	return err
}

// read reads the file. A member that does not exist here is an error, as is anything after the object.
func (p *providerFile) read(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in := &io.LimitedReader{R: file, N: maxFile}
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) || in.N == 0 {
		return fmt.Errorf("%s: something follows the object, or it is larger than %d KiB", name, maxFile>>10)
	}
	return nil
}

// override takes the single values of the flags that are set.
func (p *providerFile) override(own *providerFile) {
	p.Address = cmp.Or(own.Address, p.Address, defaultAddress)
	p.PublicURL = cmp.Or(own.PublicURL, p.PublicURL, defaultPublicURL)
	p.Lines = cmp.Or(own.Lines, p.Lines, map[bool]string{true: "powershell", false: "sh"}[runtime.GOOS == "windows"])
	p.Password = cmp.Or(own.Password, p.Password)
	p.TokenTTL = cmp.Or(own.TokenTTL, p.TokenTTL)
	p.Consent, p.Opaque = own.Consent || p.Consent, own.Opaque || p.Opaque
}

// complete adds the built-in clients if there are none, and to each client what flags say of all.
func (p *providerFile) complete(redirects, audience []string) {
	if len(p.Clients) == 0 {
		p.Clients = []client{{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret}, {ID: oidctest.PublicClient}}
	}
	for i := range p.Clients {
		c := &p.Clients[i]
		c.RedirectURIs, c.Audience = append(c.RedirectURIs, redirects...), append(c.Audience, audience...)
	}
}

func (p *providerFile) check() error {
	for _, c := range p.Clients {
		if c.ID == "" {
			return errors.New("a client has no id")
		}
	}
	for _, u := range append(p.Users, p.more...) {
		if u.Name == "" {
			return errors.New("a user has no name")
		}
	}
	if p.TokenTTL < 0 {
		return errors.New("-token-ttl: write a duration above 0")
	}
	if _, known := quotes[p.Lines]; !known {
		return fmt.Errorf("-lines %s: write sh, powershell or env", p.Lines)
	}
	return nil
}

// options are the settings for the provider, without its address.
func (p *providerFile) options() []oidctest.Option {
	options := []oidctest.Option{
		oidctest.WithPassword(p.Password), oidctest.WithResources(p.Resources...), oidctest.WithACR(p.ACR...),
		oidctest.WithLifetimes(oidctest.Lifetimes{AccessToken: time.Duration(p.TokenTTL), IDToken: time.Duration(p.TokenTTL)}),
	}
	if p.Consent {
		options = append(options, oidctest.WithConsent())
	}
	if p.Opaque {
		options = append(options, oidctest.WithOpaqueTokens())
	}
	if len(p.Scopes) > 0 {
		options = append(options, oidctest.WithScopes(p.Scopes...))
	}
	var clients []oidctest.Client
	for _, c := range p.Clients {
		clients = append(clients, c.client())
	}
	options = append(options, oidctest.WithClients(clients...))
	if p.Users != nil {
		users := []oidctest.User{}
		for _, u := range p.Users {
			users = append(users, u.user())
		}
		options = append(options, oidctest.WithUsers(users...))
	}
	return options
}

// user returns the provider's user; without claims it has those that applications show.
func (u user) user() oidctest.User {
	if u.Claims == nil {
		u.Claims = map[string]any{"sub": u.Name, "preferred_username": u.Name, "name": u.Name, "email": u.Name + "@example.org", "email_verified": true}
	}
	return oidctest.User{Name: u.Name, Password: u.Password, Claims: u.Claims}
}
