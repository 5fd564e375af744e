package mongostore_test

import (
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// FuzzURL: opening connects to nothing, and no error repeats what stands in the URL. A good name of a mongodb+srv URL is
// looked up by Init alone.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{
		"localhost/broker", "user:secret-word@a:1,b:2/broker?replicaSet=r&tls=true", "[::1]:27017/b", "user:secret%2Fword@localhost/b", "user:secret-word/x@localhost/broker",
		"localhost/b?w=secret%zz", "localhost/b?tlsCertificateKeyFile=/secret-word", "localhost/b?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:secret-word",
		"localhost/b?compressors=zstd&zlibCompressionLevel=10", "%2Ftmp%2Fmongodb.sock/b", "localhost/\x00", "@/b", ",/b", "a/b?x",
	} {
		f.Add(true, rest)
		f.Add(false, rest)
	}
	f.Fuzz(func(t *testing.T, records bool, rest string) {
		scheme := "mongodb://"
		if records {
			scheme = "mongodb+srv://"
		}
		db, err := store.Open(scheme + rest)
		if err != nil {
			if text := err.Error(); db != nil || !strings.HasPrefix(text, "mongostore: open: not a URL like ") || len(rest) > 12 && strings.Contains(text, rest) {
				t.Errorf("%q: %v", rest, err)
			}
			return
		}
		_ = db.Close()
	})
}
