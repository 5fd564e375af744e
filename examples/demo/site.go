package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
)

// page has everything that the browser loads: a document, its style, its scripts and its icon. sources are the files to copy from.
//
//go:embed page
var page embed.FS

//go:embed gin.go echo.go echo5.go fiber.go fiber3.go chi.go nethttp.go
var sources embed.FS

// pageData is the data of the document.
type pageData struct {
	Framework, Base, Issuer, Data string
	Services                      []*service
	Users                         []user
	Samples                       []sample
	Lines                         []line
	Source, AdminRole             string
}

// controls are the handlers behind the page's buttons.
type controls struct {
	*demo
	switches switches
}

// site makes the handler of the page and of its controls.
func (d *demo) site() (http.Handler, error) {
	document, err := d.render()
	if err != nil {
		return nil, err
	}
	c := &controls{demo: d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(document) // an error only means that the client has disconnected
	})
	files, err := page.ReadDir("page")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		mux.HandleFunc("GET /demo/"+file.Name(), func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, page, "page/"+file.Name())
		})
	}
	mux.HandleFunc("GET /demo/state", c.state)
	mux.HandleFunc("POST /demo/switch", c.turnSwitch)
	mux.HandleFunc("POST /demo/inspect", c.inspectToken)
	mux.HandleFunc("POST /demo/curl", c.lendFiles)
	mux.HandleFunc("POST /demo/device", c.turnDevice)
	mux.HandleFunc("GET /demo/device.svg", c.deviceCode)
	return withHeaders(policy(d.provider.Issuer()), http.NewCrossOriginProtection().Handler(mux)), nil
}

func (d *demo) render() ([]byte, error) {
	parsed, err := template.ParseFS(page, "page/index.html")
	if err != nil {
		return nil, err
	}
	source, err := sources.ReadFile(d.framework + ".go")
	if err != nil {
		return nil, err
	}
	var document bytes.Buffer
	err = parsed.Execute(&document, pageData{
		Framework: d.framework, Base: d.base, Issuer: d.provider.Issuer(), Data: d.data, Services: d.services, Users: users,
		Samples: samples, Lines: d.lines(), Source: string(source), AdminRole: adminRole,
	})
	return document.Bytes(), err
}

// policy allows the page its own files and requests, and nothing else; no inline script or style. The form of the logout leads to the
// provider, which browsers count as its target.
func policy(issuer string) string {
	return "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + issuer
}

func withHeaders(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// state is what the page asks for once a second: the events after one that it has, the device's screen, and the switches.
func (c *controls) state(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after")) // 0: all of them
	down, demoted := c.switches.now()
	writeJSON(w, http.StatusOK, map[string]any{
		"events": c.strip.after(after), "device": c.device.shows(), "switches": map[string]bool{"down": down, "demote": demoted},
	})
}

func (c *controls) turnSwitch(w http.ResponseWriter, r *http.Request) {
	said, err := c.turn(r, r.PostFormValue("name"), r.PostFormValue("on") == "true", c.serviceAt(r.PostFormValue("service")), &c.switches)
	answer(w, map[string]string{"said": said}, err)
}

func (c *controls) inspectToken(w http.ResponseWriter, r *http.Request) {
	at := c.serviceAt(r.PostFormValue("service"))
	ctx, _ := at.person(r)
	token, err := c.chosen(ctx, at, r.PostFormValue("token"), r.PostFormValue("pasted"))
	if err != nil {
		answer(w, nil, err)
		return
	}
	answer(w, at.inspect(ctx, token), nil)
}

func (c *controls) lendFiles(w http.ResponseWriter, r *http.Request) {
	at := c.serviceAt(r.PostFormValue("service"))
	ctx, person := at.person(r)
	answer(w, map[string]string{"who": person.Username()}, c.lend(ctx, at))
}

func (c *controls) turnDevice(w http.ResponseWriter, r *http.Request) {
	var err error
	if r.PostFormValue("on") == "true" {
		err = c.device.start()
	} else {
		c.device.off()
	}
	answer(w, c.device.shows(), err)
}

// deviceCode draws the link on the device's screen.
func (c *controls) deviceCode(w http.ResponseWriter, _ *http.Request) {
	shown := c.device.shows()
	drawn, err := qrCode(shown.Link)
	if shown.Link == "" || err != nil {
		http.Error(w, "the device shows no code", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(drawn)) // an error only means that the client has disconnected
}

// answer writes a value, or why there is none.
func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		writeJSON(w, http.StatusConflict, map[string]string{"said": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, value)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	if w.Header().Get("Cache-Control") == "no-cache" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // an error only means that the client has disconnected
}
