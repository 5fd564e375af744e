// Package storetest tests stores against the contract of [store.Store], for authors of a store. A test calls [Run] with a
// [Backend] that opens the real database:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Backend{Place: func(t testing.TB) storetest.Place {
//			url := "etcd://localhost/" + strings.ToLower(rand.Text()) // an empty place for each test
//			return storetest.Place{URL: url, Address: "localhost:2379"}
//		}})
//	}
//
// The suite runs every method, many callers at once, connections that break, and refreshes under load ([Soak]).
package storetest
