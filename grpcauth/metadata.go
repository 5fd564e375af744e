package grpcauth

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc/metadata"
)

// header gives a guard the metadata of a call.
type header struct{ ctx context.Context } //nolint:containedctx // the metadata is in it

// Values returns the values of Authorization, and none of any other header: a guard for gRPC takes bearer tokens alone, and must not
// find the cookie of a browser session.
func (h header) Values(name string) []string {
	if name != "Authorization" {
		return nil
	}
	return metadata.ValueFromIncomingContext(h.ctx, "authorization")
}

// Clone returns the metadata that can be a header: without cookies, binary values, and the pseudo-headers of HTTP/2.
func (h header) Clone() http.Header {
	all, _ := metadata.FromIncomingContext(h.ctx) // a copy, with keys in lower case
	header := make(http.Header, len(all))
	for name, values := range all {
		if name != "cookie" && name != "host" && !strings.HasPrefix(name, ":") && !strings.HasSuffix(name, "-bin") {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return header
}
