package core

import (
	"context"
	"net/http"
)

// clientKeyAge is how long a provider may cache the keys of this client, in seconds. Some cache them longer whatever this says.
const clientKeyAge = "300"

// clientKeys answers GET client-keys with the public keys with which the provider verifies this client's assertions.
func (f *flows) clientKeys(context.Context, *Request) (*Response, error) {
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age="+clientKeyAge)
	return &Response{Status: http.StatusOK, Header: header, Body: f.publicKeys}, nil
}
