package main

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

// The servers that tests start end with them.
func TestMain(m *testing.M) { dbserver.Main(m) }
