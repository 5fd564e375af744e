package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// jwks answers GET jwks: the own public keys, those that will sign soon and those that have signed. It waits for nobody
// but the store, and only before the first keys are at hand.
func (f *flows) jwks(ctx context.Context, _ *Request) (*Response, error) {
	snapshot, err := f.broker.ring.Get(ctx)
	if err != nil {
		return nil, fault.Down(fault.Store, err)
	}
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age=300") // a new key is published longer than that before it signs
	return &Response{Status: http.StatusOK, Header: header, Body: snapshot.Value.Document}, nil
}
