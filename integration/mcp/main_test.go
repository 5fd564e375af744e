package mcp

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }
