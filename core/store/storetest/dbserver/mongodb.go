package dbserver

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// mongojava holds the stand-in's program and the one library that it is made of.
//
//go:embed mongojava
var mongojava embed.FS

// mongoJars names the folder of the stand-in's jars; another version of the library gets another name.
const mongoJars = "mongo-java-server-1.47.0"

// mongodb is a mongod where there is one. That branch is simple and has been run on no machine of ours. Elsewhere it is
// mongo-java-server, in memory: it shows functions and races on single documents, and nothing of replication, read and
// write concern, transactions and durability.
var mongodb = &kind{name: "MongoDB", install: "apt-get install maven openjdk-17-jdk-headless (or a mongod)", start: func(dir string) (*running, error) {
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	command, err := mongoCommand(dir, port)
	if err != nil {
		return nil, err
	}
	r, err := launch(dir, command, answers(address))
	if err != nil {
		return nil, err
	}
	r.Address = address
	return r, nil
}}

func mongoCommand(dir, port string) (*exec.Cmd, error) {
	if server, err := exec.LookPath("mongod"); err == nil {
		return exec.Command(server, "--dbpath", dir, "--port", port, "--bind_ip", "127.0.0.1", "--nounixsocket"), nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, err
	}
	jars, err := haveJars()
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, mongojava); err != nil {
		return nil, err
	}
	return exec.Command(java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(jars, "*"), filepath.Join(dir, "mongojava", "Mongo.java"), port), nil
}

// haveJars returns the folder with the stand-in's jars, in the user's cache: fetched once, into a folder that only then
// gets its name, so that test binaries that run at the same moment find all of them or none.
func haveJars() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	parent := filepath.Join(cache, "oidcauth-test")
	jars := filepath.Join(parent, mongoJars)
	if _, err := os.Stat(jars); err == nil {
		return jars, nil
	}
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(parent, "fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := fetchJars(work); err != nil {
		return "", err
	}
	err = os.Rename(filepath.Join(work, "jars"), jars)
	if _, there := os.Stat(jars); there == nil {
		return jars, nil // by us, or by another process that was first
	}
	return "", err
}

func fetchJars(work string) error {
	if err := os.CopyFS(work, mongojava); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	fetch := exec.CommandContext(ctx, "mvn", "-B", "-q", "-f", filepath.Join(work, "mongojava", "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(work, "jars"))
	fetch.WaitDelay = time.Second
	if text, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w: %s", err, text)
	}
	return nil
}

// MongoDB returns the URL of a new database for this test, and the host:port of the server in that URL. If mongod is not
// installed, the server is a substitute whose operations on single documents are atomic.
func MongoDB(t testing.TB) (url, address string) {
	t.Helper()
	r := mongodb.need(t)
	return "mongodb://" + r.Address + "/" + unique(), r.Address
}
