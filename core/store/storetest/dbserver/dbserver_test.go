package dbserver

import "testing"

func TestMain(m *testing.M) { Main(m) }

// Every server starts and accepts connections; two tests get different databases.
func TestServers(t *testing.T) {
	t.Run("Redis", func(t *testing.T) {
		address, one := Redis(t)
		_, other := Redis(t)
		if err := answers(address)(t.Context()); err != nil || one == other {
			t.Errorf("%v, databases %d and %d", err, one, other)
		}
	})
	for name, server := range map[string]func(testing.TB) (string, string){"PostgreSQL": PostgreSQL, "MariaDB": MariaDB, "MongoDB": MongoDB} {
		t.Run(name, func(t *testing.T) {
			one, address := server(t)
			other, _ := server(t)
			if err := answers(address)(t.Context()); err != nil || one == other {
				t.Errorf("%v, databases %s and %s", err, one, other)
			}
		})
	}
}
