package contract

import (
	"slices"
	"testing"
)

// part is one part of the suite.
type part struct {
	name string
	test func(*testing.T, setup)
}

// Run runs the whole suite, in passthrough and in broker mode. Each subtest builds its own application and its own provider.
func Run(t *testing.T, adapter Adapter) {
	for _, m := range []*mode{passthroughMode(), brokerMode()} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, part := range slices.Concat(commonParts(), webParts(), m.parts) {
				t.Run(part.name, func(t *testing.T) { part.test(t, setup{adapter, m}) })
			}
		})
	}
}

// commonParts are the tests for both modes.
func commonParts() []part {
	return []part{
		{"login", testLogin},
		{"callback", testCallback},
		{"posted callback", testPosted},
		{"token", testToken},
		{"device", testDevice},
		{"client keys", testClientKeys},
		{"several providers", testProviders},
		{"resource metadata", testResources},
		{"userinfo", testUserInfo},
		{"logout", testLogout},
		{"guards", testGuards},
		{"nested guards", testNested},
		{"demands of handlers", testDemands},
		{"step-up", testStepUp},
		{"requests", testRequests},
		{"authorization header", testAuthorization},
		{"nothing but the header", testOtherPlaces},
		{"forms", testForms},
		{"queries", testQueries},
		{"paths", testPaths},
		{"methods", testMethods},
		{"hooks", testHooks},
		{"other middlewares", testOtherMiddlewares},
		{"kept strings", testKept},
		{"many users", testManyUsers},
		{"a client that leaves", testLeaving},
	}
}
