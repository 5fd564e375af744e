package redisstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
)

// fail wraps what went wrong in an operation, once. The contract's own two come back as they are.
func fail(operation string, err error) error {
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
		return err
	case errors.As(err, &reply):
		err = errors.New(code(reply.Error()))
	}
	return fmt.Errorf("redisstore: %s: %w", operation, err)
}

// code keeps of an answer of the server the word that it begins with: some answers quote the arguments of the command.
func code(reply string) string {
	word, _, _ := strings.Cut(reply, " ")
	if len(word) > 32 || strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		word = "ERR"
	}
	text := "the server answers " + word
	if hint := hints[word]; hint != "" {
		text += ": " + hint
	}
	return text
}

// hints say what the operator has to look at.
var hints = map[string]string{
	"OOM":         "its memory is full (maxmemory)",
	"MISCONF":     "it cannot write to its disk",
	"READONLY":    "it is a replica",
	"NOREPLICAS":  "too few replicas are connected (min-replicas-to-write)",
	"NOAUTH":      "it wants a user or a password",
	"WRONGPASS":   "user or password are wrong",
	"NOPERM":      "the user may not do this (ACL)",
	"WRONGTYPE":   "a key under {oidcauth}: was written by another program",
	"LOADING":     "it is still reading its data",
	"CLUSTERDOWN": "the cluster has lost the node for these keys",
}

// ended puts the context's error in the place of a timeout that it was the reason for: the connection's deadline is the
// context's, and passes a moment before the context notices.
func ended(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return err
}
