package main

import (
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
	} {
		if got := foreign(path, gin); got != want {
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
