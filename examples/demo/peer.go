package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// peerClient calls the other application.
var peerClient = &http.Client{Timeout: 10 * time.Second}

// peerAnswer is the answer of the other application.
type peerAnswer struct {
	Asked  string          `json:"asked"`
	Status int             `json:"status"`
	Answer json.RawMessage `json:"answer"`
}

// askPeer calls the other application on behalf of the caller, with the caller's token, which it accepts because it trusts the
// issuer.
func askPeer(ctx context.Context, peer string, caller *core.IDToken) (*peerAnswer, error) {
	answer := &peerAnswer{Asked: peer + "/api/me"}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, answer.Asked, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+caller.Raw())
	response, err := peerClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer.Status = response.StatusCode
	return answer, json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer.Answer)
}
