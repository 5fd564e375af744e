package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// device plays a television that logs in at a service (RFC 8628), over HTTP as a real one does. Its tokens and its device code stay with
// it; the page sees what would be on its screen. Safe for concurrent use.
type device struct {
	ctx    context.Context // ends with the demo
	at     *service
	client *http.Client

	mu     sync.Mutex
	screen screen
	cancel context.CancelFunc // ends the login under way
	begun  int                // counts logins: the polls of an earlier one change nothing
}

// screen is what the device shows.
type screen struct {
	State   string `json:"state"` // "off", "waiting", "in", or why the login has ended
	Code    string `json:"code,omitempty"`
	Link    string `json:"link,omitempty"`
	Who     string `json:"who,omitempty"`
	Expires int64  `json:"expires,omitempty"` // of the code or the token, Unix seconds
}

func newDevice(ctx context.Context, at *service) *device {
	return &device{ctx: ctx, at: at, client: &http.Client{Timeout: 15 * time.Second}, screen: screen{State: "off"}, cancel: func() {}}
}

func (d *device) shows() screen {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.screen
}

// off forgets the tokens, or gives up.
func (d *device) off() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel()
	d.begun++
	d.screen = screen{State: "off"}
}

// start begins a login; the device polls until somebody has answered.
func (d *device) start() error {
	d.off()
	var login core.DeviceStart
	status, err := d.post("/auth/v2/device", nil, &login)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s answers %d", d.at.Name, status)
	}
	link := login.VerificationURI
	if login.VerificationURIComplete != nil {
		link = *login.VerificationURIComplete
	}
	ctx, cancel := context.WithDeadline(d.ctx, time.Now().Add(time.Duration(login.ExpiresIn)*time.Second))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun++
	d.cancel = cancel
	d.screen = screen{State: "waiting", Code: login.UserCode, Link: link, Expires: time.Now().Unix() + login.ExpiresIn}
	go d.poll(ctx, login, d.begun)
	return nil
}

// poll asks until the answer is final. authorization_pending goes on, slow_down more slowly.
func (d *device) poll(ctx context.Context, login core.DeviceStart, number int) {
	pause := time.Duration(login.Interval) * time.Second
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			d.set(number, screen{State: "expired_token"})
			return
		}
		var answer struct {
			core.Token
			Error string `json:"error"`
		}
		status, err := d.post("/auth/v2/token", url.Values{"device_code": {login.DeviceCode}}, &answer)
		switch {
		case err != nil || answer.Error == core.CodeAuthorizationPending || status >= http.StatusInternalServerError:
		case answer.Error == core.CodeSlowDown:
			pause += 5 * time.Second
		case status == http.StatusOK:
			d.set(number, screen{State: "in", Who: d.name(ctx, answer.AccessToken), Expires: answer.Expires})
			return
		default:
			d.set(number, screen{State: answer.Error})
			return
		}
	}
}

func (d *device) set(number int, shown screen) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun == number {
		d.screen = shown
	}
}

// name asks the service whose token it is.
func (d *device) name(ctx context.Context, token string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.at.base+d.at.Path+"/me", nil)
	if err != nil {
		return ""
	}
	request.Header.Set("Authorization", "Bearer "+token)
	var who profile
	_, _ = d.send(request, &who)
	return who.Username
}

func (d *device) post(path string, form url.Values, into any) (int, error) {
	request, err := http.NewRequestWithContext(d.ctx, http.MethodPost, d.at.base+d.at.Path+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.send(request, into)
}

func (d *device) send(request *http.Request, into any) (int, error) {
	response, err := d.client.Do(request)
	if err != nil {
		return 0, errors.New("the service does not answer")
	}
	defer response.Body.Close()
	return response.StatusCode, json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(into)
}
