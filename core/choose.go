package core

import (
	"context"
	"maps"
	"net/http"
)

// Choice is one provider that a person can choose at a login that names none.
type Choice struct {
	Name  string // for the parameter provider of the login route
	Label string // text for people: Provider.Label, or the name
	URL   string // public address of the login at this provider, with the parameters of the request; without PublicURL only "?" and these
}

// offersChoice reports whether a login that names no provider is answered with the chooser: a person sees the answer, and the service that
// redeems the code knows from the state which provider was chosen. A client with its own code_challenge would not know it.
func (f *flows) offersChoice(request *Request, q *loginQuery) bool {
	return len(f.parties) > 1 && q.challenge == "" && showsPage(request.credentials())
}

// choose answers a login that names no provider with the chooser.
func (f *flows) choose(ctx context.Context, request *Request) (*Response, error) {
	login := "" // of this very page, if no public address is configured
	if f.cfg.PublicURL != "" {
		login = f.cfg.PublicURL + f.paths.Login
	}
	var choices []Choice
	for _, p := range f.parties {
		query := maps.Clone(request.Query)
		query.Set("provider", p.Name)
		if f.isOwnCallback(query.Get("redirect_uri")) {
			query.Set("redirect_uri", f.ownCallback(p))
		}
		choices = append(choices, Choice{Name: p.Name, Label: p.Label, URL: endpoint(login, query)})
	}
	answer, err := f.onChoose(ctx, request, choices)
	if err != nil || answer != nil {
		return answer, err
	}
	return page{Title: "Log in", Text: "Choose where you have an account.", Choices: choices}.response(http.StatusOK), nil
}

// onChoose calls Config.OnChoose; nil means the default page.
func (f *flows) onChoose(ctx context.Context, request *Request, choices []Choice) (answer *Response, err error) {
	if f.cfg.OnChoose == nil {
		return nil, nil
	}
	err = f.called(ctx, "Config.OnChoose", func() { answer = f.cfg.OnChoose(ctx, request, choices) })
	return answer, err
}
