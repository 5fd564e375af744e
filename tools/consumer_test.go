package main

import (
	"slices"
	"strings"
	"testing"
)

// A name of a framework that does not exist would test nothing.
func TestConsumerNames(t *testing.T) {
	if err := load(t, tree()).consumer(t.Context(), "gin", "grcp"); err == nil || !strings.Contains(err.Error(), "grcp") {
		t.Error(err)
	}
}

func TestForeign(t *testing.T) {
	gin := frameworks[0]
	for path, want := range map[string]bool{
		"github.com/gin-gonic/gin/binding":           false,
		prefix + "ginauth":                           false,
		prefix + "core":                              false,
		"github.com/go-chi/chi/v5":                   true,
		"github.com/go-chi/chirp":                    false,
		prefix + "chiauth":                           true,
		"github.com/jackc/pgx/v5/stdlib":             true,
		"go.mongodb.org/mongo-driver/v2/mongo":       true,
		"github.com/labstack/echo/v4/middleware/sub": true,
		"github.com/labstack/echo/v5":                true,
	} {
		if got := foreign(path, gin); got != want {
			t.Errorf("foreign(%q) = %v", path, got)
		}
	}
	echo5 := frameworks[slices.IndexFunc(frameworks, func(f framework) bool { return f.Name == "echo5" })]
	for path, want := range map[string]bool{ // the other major is a framework of its own
		"github.com/labstack/echo/v5/middleware": false,
		"github.com/labstack/echo/v4":            true,
		prefix + "echo5auth":                     false,
		prefix + "echoauth":                      true,
	} {
		if got := foreign(path, echo5); got != want {
			t.Errorf("foreign(%q) = %v", path, got)
		}
	}
	for path, want := range map[string]bool{
		"go.mongodb.org/mongo-driver/v2/bson":        true,
		"go.mongodb.org/mongo-driver/v2/mongo":       false,
		"go.mongodb.org/mongo-driver/v2/bsonfoo/bar": false,
	} {
		if got := isBSON(path); got != want {
			t.Errorf("isBSON(%q) = %v", path, got)
		}
	}
}
