package oidctest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// deviceGrant is a device login under way, known by its device code.
type deviceGrant struct {
	client, userCode, challenge string
	grant                       grant
	expires, next               time.Time // next: before it a poll is too early
	interval                    time.Duration
	denied, spent               bool
}

// deviceStart is RFC 8628 section 3.2.
func (p *Provider) deviceStart(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	challenge := r.PostForm.Get("code_challenge")
	if p.set.deviceNeedsPKCE && client.Secret == "" && (challenge == "" || r.PostForm.Get("code_challenge_method") != "S256") {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "Missing parameter: code_challenge_method")
		return
	}
	userCode := strings.ToUpper(randomHex(2) + "-" + randomHex(2))
	p.mu.Lock()
	code := randomHex(16)
	p.devices.put(code, &deviceGrant{
		client: client.ID, userCode: userCode, challenge: challenge, grant: grant{scope: r.PostForm.Get("scope")},
		expires: p.now().Add(p.set.life.Device), interval: p.set.life.Interval,
	})
	p.mu.Unlock()
	p.answer(w, http.StatusOK, DeviceAnswers, Claims{
		"device_code": code, "user_code": userCode, "verification_uri": p.issuer + "/device",
		"verification_uri_complete": p.issuer + "/device?" + url.Values{"user_code": {userCode}}.Encode(),
		"expires_in":                int64(p.set.life.Device / time.Second), "interval": int64(p.set.life.Interval / time.Second),
	})
}

// pollDevice returns the login, or the code of RFC 8628 section 3.5.
func (p *Provider) pollDevice(client Client, code, verifier string) (*family, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	device, known := p.devices.get(code)
	now := p.now()
	switch {
	case !known || device.client != client.ID || device.spent || !provesChallenge(device.challenge, verifier):
		return nil, "invalid_grant"
	case !now.Before(device.expires):
		return nil, "expired_token"
	case device.denied:
		device.spent = true
		return nil, "access_denied"
	case device.grant.user == "" && now.Before(device.next):
		device.interval += 5 * time.Second
		device.next = now.Add(device.interval)
		return nil, "slow_down"
	case device.grant.user == "":
		device.next = now.Add(device.interval)
		return nil, "authorization_pending"
	}
	device.spent = true
	return &family{client: client.ID, grant: device.grant}, ""
}

// devicePage asks for the code that the device shows, and lets the person decide.
func (p *Provider) devicePage(w http.ResponseWriter, r *http.Request) {
	renderPage(w, http.StatusOK, "device", page{Title: "Connect a device", Users: p.userNames(), Action: p.set.path + "/device", Code: r.URL.Query().Get("user_code")})
}

func (p *Provider) deviceAnswer(w http.ResponseWriter, r *http.Request) {
	code, user := r.PostForm.Get("user_code"), r.PostForm.Get("user")
	var err error
	if user == "" {
		err = p.DenyDevice(code)
	} else {
		err = p.ApproveDevice(code, user)
	}
	switch {
	case err != nil:
		renderPage(w, http.StatusBadRequest, "device", page{Title: "Connect a device", Users: p.userNames(), Action: p.set.path + "/device", Code: code, Text: "This code is not known, was used, or has expired."})
	case user == "":
		renderPage(w, http.StatusOK, "message", page{Title: "The device was refused", Text: "You can close this page."})
	default:
		renderPage(w, http.StatusOK, "message", page{Title: "The device is connected", Text: "You are signed in as " + user + ". You can close this page."})
	}
}

var errNoDevice = errors.New("oidctest: no device waits with this user code")

// ApproveDevice is a user who types the code of a device and allows it. The error says that no device waits with it.
func (p *Provider) ApproveDevice(userCode, user string) error {
	if !p.knows(user) {
		return errors.New("oidctest: no such user")
	}
	return p.decideDevice(userCode, func(device *deviceGrant) {
		device.grant.user, device.grant.authTime = user, p.now().Unix()
	})
}

// DenyDevice is a user who refuses a device.
func (p *Provider) DenyDevice(userCode string) error {
	return p.decideDevice(userCode, func(device *deviceGrant) { device.denied = true })
}

func (p *Provider) decideDevice(userCode string, decide func(*deviceGrant)) error {
	userCode = strings.ToUpper(strings.TrimSpace(userCode))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, device := range p.devices.entries {
		waits := device.grant.user == "" && !device.denied && p.now().Before(device.expires)
		if device.userCode == userCode && waits {
			decide(device)
			return nil
		}
	}
	return errNoDevice
}
