// Package storetest is the test suite for implementations of [store.Store]. The test of a store calls [Run] with a [Backend] that
// opens the real database:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Backend{Place: func(t testing.TB) storetest.Place {
//			url := "etcd://localhost/" + strings.ToLower(rand.Text()) // an empty place for each test
//			return storetest.Place{URL: url, Address: "localhost:2379"}
//		}})
//	}
//
// The suite calls every method, with many concurrent callers and with broken connections, and refreshes tokens under load ([Soak]).
package storetest
