package oidctest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// deviceGrant is a device login in progress; its key is the device code.
type deviceGrant struct {
	client, userCode, challenge string
	grant                       grant
	expires, next               time.Time // next: time from which the device may poll again
	interval                    time.Duration
	denied, spent               bool
}

// deviceStart answers a device authorization request (RFC 8628 section 3.2).
func (p *Provider) deviceStart(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	challenge := r.PostForm.Get("code_challenge")
	if p.repeats(r.PostForm) || (p.set.deviceNeedsPKCE || challenge != "") && (challenge == "" || r.PostForm.Get("code_challenge_method") != "S256") {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "Missing parameter: code_challenge_method")
		return
	}
	if fault := p.granted(r.PostForm); fault != "" {
		p.refuse(w, http.StatusBadRequest, fault, "the scope or the resource is not offered")
		return
	}
	resources, _ := p.resources(r.PostForm, nil)
	userCode := normalCode(randomHex(4))
	p.mu.Lock()
	code := randomHex(16)
	p.devices.put(code, &deviceGrant{
		client: client.ID, userCode: userCode, challenge: challenge, grant: grant{scope: r.PostForm.Get("scope"), resources: resources},
		expires: p.now().Add(p.set.life.Device), interval: p.set.life.Interval,
	})
	p.mu.Unlock()
	p.answer(w, http.StatusOK, DeviceAnswers, Claims{
		"device_code": code, "user_code": userCode, "verification_uri": p.URL(DevicePage),
		"verification_uri_complete": p.URL(DevicePage) + "?" + url.Values{"user_code": {userCode}}.Encode(),
		"expires_in":                int64(p.set.life.Device / time.Second), "interval": int64(p.set.life.Interval / time.Second),
	})
}

// pollTolerance is how much too early a poll may come, because clients measure the interval differently.
const pollTolerance = 500 * time.Millisecond

// pollDevice returns the login, or the error code of RFC 8628 section 3.5.
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
	case device.grant.user == "" && now.Before(device.next.Add(-pollTolerance)):
		device.interval += 5 * time.Second
		device.next = now.Add(device.interval)
		return nil, "slow_down"
	case device.grant.user == "":
		device.next = now.Add(device.interval)
		return nil, "authorization_pending"
	}
	device.spent = true
	return newFamily(client.ID, device.grant), ""
}

// devicePage asks for the code that the device shows, and then for the user.
func (p *Provider) devicePage(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("user_code")
	client, waits := p.waiting(code)
	switch {
	case waits:
		p.decidePage(w, http.StatusOK, client, code, "")
	case code != "":
		p.askCode(w, http.StatusNotFound, code)
	default:
		p.askCode(w, http.StatusOK, "")
	}
}

// decidePage asks who the user is. fault is what was wrong with the last answer.
func (p *Provider) decidePage(w http.ResponseWriter, status int, client, code, fault string) {
	p.renderPage(w, status, "decide", page{Title: "Connect a device", Text: fault, Client: client, Users: p.userNames(), Action: p.set.path + paths[DevicePage], Code: normalCode(code)})
}

func (p *Provider) askCode(w http.ResponseWriter, status int, code string) {
	data := page{Title: "Connect a device", Action: p.set.path + paths[DevicePage], Code: code}
	if status != http.StatusOK {
		data.Text = "This code is not known, was used, or has expired."
	}
	p.renderPage(w, status, "device", data)
}

func (p *Provider) deviceAnswer(w http.ResponseWriter, r *http.Request) {
	code, user := r.PostForm.Get("user_code"), r.PostForm.Get("user")
	if client, waits := p.waiting(code); waits && p.mistyped(r.PostForm) {
		p.decidePage(w, http.StatusForbidden, client, code, wrongPassword)
		return
	}
	decide, text := p.DenyDevice, "The device was refused"
	if user != "" {
		decide, text = func(code string) error { return p.ApproveDevice(code, user) }, "The device is connected"
	}
	if decide(code) != nil {
		p.askCode(w, http.StatusNotFound, code)
		return
	}
	p.renderPage(w, http.StatusOK, "message", page{Title: text, Text: "You can close this page."})
}

// normalCode normalizes a user code as typed (RFC 8628 section 6.1).
func normalCode(typed string) string {
	code := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
	if len(code) == 8 {
		code = code[:4] + "-" + code[4:]
	}
	return code
}

// waiting returns the client of the device that waits for a user code.
func (p *Provider) waiting(userCode string) (client string, waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	device := p.waitingDevice(userCode)
	if device == nil {
		return "", false
	}
	return device.client, true
}

// waitingDevice finds the device. The caller holds mu.
func (p *Provider) waitingDevice(userCode string) *deviceGrant {
	for _, device := range p.devices.entries {
		if device.userCode == normalCode(userCode) && device.grant.user == "" && !device.denied && p.now().Before(device.expires) {
			return device
		}
	}
	return nil
}

var errNoDevice = errors.New("oidctest: no device waits with this user code")

// ApproveDevice acts as a user who types the user_code of a device and allows the login (RFC 8628 section 3.3). It returns an error for an
// unknown user, and if no device waits for this code.
func (p *Provider) ApproveDevice(userCode, user string) error {
	if !p.knows(user) {
		return errors.New("oidctest: no such user")
	}
	return p.decideDevice(userCode, func(device *deviceGrant) {
		device.grant.user, device.grant.authTime = user, p.now().Unix()
		device.grant.acr, _ = p.acrFor(nil)
	})
}

// DenyDevice acts as a user who types the user_code of a device and denies the login. It returns an error if no device waits for this code.
func (p *Provider) DenyDevice(userCode string) error {
	return p.decideDevice(userCode, func(device *deviceGrant) { device.denied = true })
}

func (p *Provider) decideDevice(userCode string, decide func(*deviceGrant)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	device := p.waitingDevice(userCode)
	if device == nil {
		return errNoDevice
	}
	decide(device)
	return nil
}
