package grpcauth

import (
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the domain of the google.rpc.ErrorInfo in every refusal.
const Domain = "github.com/go-oidc-auth/oidcauth"

// The reasons in the google.rpc.ErrorInfo of refusals that have no code of OAuth. Any other reason is such a code in upper case:
// INVALID_TOKEN, INSUFFICIENT_SCOPE, INVALID_REQUEST and SERVER_ERROR.
const (
	ReasonOutage = "TEMPORARILY_UNAVAILABLE" // keys or store cannot be reached: the token may be good
	ReasonNoRule = "NO_RULE"                 // no rule names the method
)

// Keys of the metadata in the google.rpc.ErrorInfo.
const (
	MetadataError     = "error"     // the code of OAuth (RFC 6750 section 3.1); absent for an outage
	MetadataChallenge = "challenge" // what HTTP has in WWW-Authenticate (RFC 6750 section 3); absent where HTTP has none
)

// refused returns the status of a refusal. Its message is the fixed text of core.
func refused(refusal *core.Error) error {
	info := &errdetails.ErrorInfo{Reason: ReasonOutage, Domain: Domain, Metadata: make(map[string]string)}
	if refusal.Code != "" {
		info.Reason, info.Metadata[MetadataError] = strings.ToUpper(refusal.Code), refusal.Code
	}
	if challenge := refusal.Response().Header.Get("WWW-Authenticate"); challenge != "" {
		info.Metadata[MetadataChallenge] = challenge
	}
	details := []protoadapt.MessageV1{info}
	if refusal.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(refusal.RetryAfter)})
	}
	return with(status.New(codeOf(refusal.Status), refusal.Detail), details...)
}

// noRule refuses a call of a method that no rule names.
func noRule() error {
	return with(status.New(codes.PermissionDenied, "No rule allows this method."), &errdetails.ErrorInfo{Reason: ReasonNoRule, Domain: Domain})
}

func with(s *status.Status, details ...protoadapt.MessageV1) error {
	detailed, err := s.WithDetails(details...)
	if err != nil { // unreachable: these messages always marshal
		return s.Err()
	}
	return detailed.Err()
}

// codeOf returns the code for an HTTP status of a refusal.
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codes.Unavailable
	default:
		return codes.Internal
	}
}
