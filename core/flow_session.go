package core

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// session answers GET session with the person who is logged in, for scripts of the application, and without any token. A request with
// slide=false does not extend the session, so that a script can poll.
func (f *flows) session(ctx context.Context, request *Request) (*Response, error) {
	read := parameters{values: request.Query}
	slide := read.one("slide")
	if err := read.err(); err != nil {
		return nil, err
	}
	guard := f.person
	if slide == "false" {
		guard = f.onlooker
	}
	who, err := guard.caller(ctx, request.credentials())
	if err != nil {
		return nil, err
	}
	members := map[string]any{"sub": who.token.Subject()}
	for name, text := range map[string]string{"name": who.token.Name(), "email": who.token.Email(), "preferred_username": who.token.Username()} {
		if text != "" {
			members[name] = text
		}
	}
	for name, value := range who.session.seat.Shown {
		if _, taken := members[name]; !taken {
			members[name] = json.RawMessage(value)
		}
	}
	members["expires"] = who.session.Expires().Unix()
	if f.paths.Logout != Off {
		members["logout_url"] = f.cfg.PublicURL + f.paths.Logout
	}
	if idle := who.session.IdleExpires(); !idle.IsZero() {
		members["idle_expires"] = idle.Unix()
	}
	return sessionAnswer(jsonResponse(members)), nil
}

func sessionAnswer(answer *Response) *Response {
	answer.Header.Set("Vary", "Cookie")
	return answer
}

// listedSession is an entry of the sessions route.
type listedSession struct {
	ID      string `json:"id"`
	Started int64  `json:"started"` // Unix seconds, as the others
	Seen    int64  `json:"seen"`
	Expires int64  `json:"expires"`
	Agent   string `json:"agent"`
	Current bool   `json:"current"`
}

// sessions answers GET sessions with the caller's own sessions.
func (f *flows) sessions(ctx context.Context, request *Request) (*Response, error) {
	who, err := f.person.caller(ctx, request.credentials())
	if err != nil {
		return nil, err
	}
	list, err := f.sessionsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	answer := struct {
		Sessions []listedSession `json:"sessions"`
	}{Sessions: []listedSession{}}
	for _, info := range list {
		answer.Sessions = append(answer.Sessions, listedSession{
			ID: info.ID, Started: info.Started.Unix(), Seen: info.Seen.Unix(), Expires: info.Expires.Unix(), Agent: info.Agent, Current: info.Current,
		})
	}
	return sessionAnswer(jsonResponse(answer)), nil
}

// sessionsOf returns the caller's own sessions.
func (f *flows) sessionsOf(ctx context.Context, who caller) ([]SessionInfo, error) {
	issuer, subject := who.token.Person()
	return f.SessionsOf(Decision{Caller: who.token, Session: who.session, auth: f.Auth}.Context(ctx), issuer, subject)
}

// endSessions answers DELETE sessions. It ends one of the caller's own sessions (id), all others (others=true), or all (all=true), own
// tokens included. The id of another person's session is a 404.
func (f *flows) endSessions(ctx context.Context, request *Request) (*Response, error) {
	read := parameters{values: request.Query}
	id, others, all := read.one("id"), read.one("others"), read.one("all")
	if err := read.err(); err != nil {
		return nil, err
	}
	if wanted := countTrue(id != "", others == "true", all == "true"); wanted != 1 {
		return nil, badRequest(CodeInvalidRequest, "Exactly one of id, others=true and all=true is needed.")
	}
	who, err := f.person.caller(ctx, request.credentials())
	if err != nil {
		return nil, err
	}
	if all == "true" {
		issuer, subject := who.token.Person()
		if _, err := f.EndSessions(ctx, issuer, subject); err != nil {
			return nil, err
		}
		return f.endedAnswer(true), nil
	}
	list, err := f.sessionsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	found := false
	for _, info := range list {
		if id != "" && info.ID != id || id == "" && info.Current {
			continue
		}
		found = true
		if err := f.EndSession(ctx, info.ID); err != nil {
			return nil, err
		}
	}
	if id != "" && !found {
		return nil, &Error{Status: http.StatusNotFound, Code: CodeInvalidRequest, Detail: "There is no such session.", kind: fault.Request}
	}
	return f.endedAnswer(id != "" && id == who.session.ID()), nil
}

func countTrue(values ...bool) (n int) {
	for _, value := range values {
		if value {
			n++
		}
	}
	return n
}

// endedAnswer answers 204, and deletes the cookie if the session of the request has ended.
func (f *flows) endedAnswer(own bool) *Response {
	answer := &Response{Status: http.StatusNoContent, Header: make(http.Header)}
	noStore(answer.Header)
	if own {
		addCookie(answer, f.dropSession())
	}
	return answer
}
