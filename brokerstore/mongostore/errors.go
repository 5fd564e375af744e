package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// fail wraps what went wrong in an operation, once. The contract's own two come back as they are.
func fail(operation string, err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return err
	}
	return fmt.Errorf("mongostore: %s: %w", operation, plain(err))
}

// plain keeps the kind of an error and nothing of a document: answers of the server quote keys and whole commands.
func plain(err error) error {
	var answer mongo.ServerError
	var command mongo.CommandError
	switch {
	case errors.Is(err, context.Canceled):
		return unreached(err, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return unreached(err, context.DeadlineExceeded)
	case errors.Is(err, errClosed), errors.Is(err, errConnect):
		return err
	case mongo.IsDuplicateKeyError(err):
		return errors.New("the key exists")
	case mongo.IsNetworkError(err):
		return errors.New("the connection broke")
	case errors.As(err, &command) && len(command.Name) <= 64:
		return fmt.Errorf("the server answers %s (%d)", command.Name, command.Code)
	case errors.As(err, &answer):
		return fmt.Errorf("the server answers %v", answer.ErrorCodes())
	case mongo.IsTimeout(err):
		return errors.New("no server answers in time")
	case errors.Is(err, mongo.ErrClientDisconnected):
		return errors.New("the client is closed")
	}
	return fmt.Errorf("the driver fails (%T)", err)
}

// reasons are what the driver may have seen of servers before it gave up, in words that hold nothing of them.
var reasons = []string{"AuthenticationFailed", "x509: ", "tls: ", "no such host", "connection refused", "i/o timeout", "ReplicaSetNoPrimary"}

// unreached says why a call ended that never reached a server; the driver says it in one long text with the addresses.
func unreached(err, end error) error {
	text := err.Error()
	if !strings.Contains(text, "server selection error") {
		return end
	}
	reason := "reason unknown"
	if i := slices.IndexFunc(reasons, func(reason string) bool { return strings.Contains(text, reason) }); i >= 0 {
		reason = strings.TrimSuffix(reasons[i], ": ")
	}
	return fmt.Errorf("no server can be reached (%s): %w", reason, end)
}
