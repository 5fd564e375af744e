package contract

import "testing"

// Run runs the whole suite: each subtest builds its own application and its own provider.
func Run(t *testing.T, adapter Adapter) {
	for _, part := range []struct {
		name string
		test func(*testing.T, Adapter)
	}{
		{"login", testLogin},
		{"callback", testCallback},
		{"token", testToken},
		{"device", testDevice},
		{"userinfo", testUserInfo},
		{"logout", testLogout},
		{"guards", testGuards},
		{"nested guards", testNested},
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
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, adapter) })
	}
}
