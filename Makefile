# One Makefile for all modules. `make help` lists what it does; `make check` is the command before a commit.

# The version of every released module, said here alone: `make tidy` writes it into the go.mod files.
VERSION := v0.1.0

# The linter is built by its exact version, so that everybody sees the same findings.
GOLANGCI_VERSION := v2.15.0
GOLANGCI := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)

FRAMEWORK ?= gin
FUZZTIME ?= 20s
COUNT ?= 5
ROUNDS ?= 10000
SESSIONS ?= 10000
SOAK_FOR ?= 2m
SOAK_STORES ?= SQLite,PostgreSQL

# A module is a folder with a go.mod, outside of testdata. MODULES=core makes a target work on one of them.
MODULES ?= $(foreach file,$(wildcard */go.mod */*/go.mod */*/*/go.mod),$(if $(findstring /testdata/,$(file)),,$(patsubst %/go.mod,%,$(file))))
PACKAGES := $(patsubst %,./%/...,$(MODULES))

# The race detector needs a C compiler.
RACE := $(if $(shell command -v $(firstword $(shell go env CC)) 2>/dev/null),-race)

# How go test builds where the environment variable CI is not true: half of a first run is the compiler's time.
# Without the race detector go SQLite's translated C code and what pure functions do (PURE: arithmetic, cryptography, formats and
# text): it still watches all that calls them. A package with sync.Map, as encoding/json is, cannot be among them: the linker may take its
# copy of that code for all, and the detector would see races where there are none. gin's codec for MessagePack, which nothing
# here uses, stays out. What the frameworks and drivers bring and no test runs (UNUSED) goes without the race detector and without
# the optimizer, the databases' drivers (LARGE) without the optimizer: they are large, and little of them runs. Nothing has what
# only debuggers read.
# In CI nothing is left out. Tests that wait for leases and servers leave the processor to others: so twice as
# many packages as go would take run side by side.
IN_CI := $(filter true,$(CI))
FLAGS := $(RACE)
ifeq ($(IN_CI),)
LARGE := github.com/redis/go-redis github.com/jackc/pgx go.mongodb.org/mongo-driver
PURE := modernc.org $(patsubst %,crypto/%,internal/fips140 aes cipher hmac sha256 sha512) $(patsubst %,encoding/%,asn1 base64 hex pem) \
  bufio bytes compress fmt html math/big net/textproto net/url regexp sort strconv strings text unicode $(patsubst %,vendor/golang.org/x/%,text net/http/httpguts)
UNUSED := golang.org/x/text $(patsubst %,github.com/%,quic-go klauspost/compress andybalholm/brotli goccy/go-yaml go-playground \
  pelletier/go-toml gabriel-vasile/mimetype)
UNWATCHED := $(if $(RACE),-race=false)
FLAGS += -tags=nomsgpack -gcflags=all=-dwarf=false $(patsubst %,'-gcflags=%/...=-dwarf=false $(UNWATCHED)',$(PURE)) \
  $(patsubst %,'-gcflags=%/...=-dwarf=false -N -l',$(LARGE)) $(patsubst %,'-gcflags=%/...=-dwarf=false -N -l $(UNWATCHED)',$(UNUSED)) \
  -p=$(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))))
endif

# REAL are the packages of the integration module that need more than `make test` starts: `make integration` runs them.
# HERE are the others that have tests, without the one that `make soak-app` runs.
REAL := $(patsubst %,./integration/%,provider client mcp pyclient pypeer browser)
HERE := $(filter-out $(REAL) ./integration/soak,$(sort $(patsubst %/,./%,$(dir $(wildcard integration/*_test.go integration/*/*_test.go)))))

# AIDES are the modules with which people work on the repository, and the programs with libraries that nothing else here uses. Where CI is not true, make
# test leaves them to make check: a first run is quicker.
AIDES := $(patsubst %,./%/...,$(filter bench tools examples/frameworks examples/mcp,$(MODULES)))

# STD is what nearly everything imports of Go's own packages.
STD := net/http/httptest database/sql html/template log/slog os/exec testing/synctest testing/iotest embed

# go test starts packages in the order of their names here: those that wait most, or are compiled longest, come first.
FIRST := $(foreach module,integration brokerstore/sqlitestore brokerstore/mongostore core,$(filter ./$(module)/...,$(PACKAGES)))
REST := $(filter-out $(FIRST),$(PACKAGES))
ORDERED := $(patsubst ./integration/...,$(HERE),$(FIRST)) $(if $(IN_CI),$(REST),$(filter-out $(AIDES),$(REST)))

# The tools are built outside of the workspace: they work while another module does not compile.
TOOLS = GOWORK=off go run -C tools $(TOOLS_FLAGS) . -root .. -version $(VERSION)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help check generate tidy tidy-check lint linter test test-aides parts integration model consumer docs demo picture race soak soak-app fuzz bench bench-quick release clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target text; do printf '  %-11s %s\n' "$$target" "$$text"; done

# DONE names the parts that have passed already.
DONE ?=
check: $(filter-out $(DONE),generate tidy-check lint test test-aides model consumer docs) ## everything that has to pass before a commit

generate: ## run the go:generate lines of every module
	go generate $(PACKAGES)

tidy: ## bring every go.mod and go.sum and the workspace's files up to date, our own modules at VERSION
	$(TOOLS) tidy

tidy-check: ## fail if tidy would change anything
	$(TOOLS) tidy -check

lint: $(GOLANGCI) ## gofmt, go vet and golangci-lint, the import graph among their rules
	@unformatted=$$(gofmt -l $(MODULES)); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet $(PACKAGES)
	@packages=$$(for module in $(MODULES); do go list ./$$module/... 2>&1 | grep -q 'matched no packages' || echo ./$$module/...; done); \
	echo "golangci-lint" $$packages; [ -z "$$packages" ] || $(GOLANGCI) run --allow-parallel-runners $$packages

linter: $(GOLANGCI) ## build the linter, which takes a minute or two once

$(GOLANGCI):
	@mkdir -p $(@D)/build
	GOWORK=off GOBIN=$(CURDIR)/$(@D)/build go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/build/golangci-lint $@

# vet is part of lint: go test need not do half of it. -w leaves out what only debuggers read. The tools are built as
# the rest is. Packed modules select older versions of what they require than the workspace does, which
# takes another minute to compile: that is for CI. Elsewhere every package that they import has to be found.
# A compiler or a test that collects its garbage less often takes more memory, a gigabyte or two, and a tenth less time.
test test-aides: TOOLS_FLAGS := -ldflags=-w $(FLAGS)
test test-aides: export GOGC := $(or $(GOGC),400)
ifeq ($(IN_CI),)
# The race detector waits a second at the end of each test binary for races of goroutines that are left.
test test-aides: export GORACE := atexit_sleep_ms=0
# Tests that call go themselves find what has been compiled: the tools' compiled all but SQLite a second time.
test test-aides: export GOFLAGS := $(shell go env GOFLAGS) $(FLAGS)
endif
test: parts ## test every module but bench, tools, examples/frameworks and examples/mcp with the race detector; CI=true vets and tests the packed ones too
ifeq ($(RACE),)
	@echo '*** NO RACE DETECTOR: go finds no C compiler, so data races stay unseen in this run ***' >&2
	@[ "$$CI" != true ]
endif
	@echo go test $(RACE) $(ORDERED)
	@$(if $(strip $(ORDERED)),go build $(FLAGS) $(STD) & go list -deps -test $(ORDERED) >/dev/null; wait; go test -vet=off -ldflags=-w $(FLAGS) $(ORDERED))
ifeq ($(IN_CI),)
	@$(if $(AIDES),echo "make test-aides tests the rest: $(AIDES)")
else
	$(TOOLS) packed vet
	$(TOOLS) packed test -vet=off
endif

test-aides: ## test what make test leaves out in the same way, and find the packages of the packed modules; CI=true: make test does
ifeq ($(IN_CI),)
	@$(if $(AIDES),go test -vet=off -ldflags=-w $(FLAGS) $(AIDES))
	@$(TOOLS) packed list -deps -test -f '{{""}}'
endif

parts: ## say which databases and clients tests lack here
	@bash .ci/parts | while IFS='|' read -r name package; do echo "*** NOT TESTED: $$name is not installed: apt-get install $$package ***" >&2; done

integration: ## test with real providers, clients, peers and a browser, and write docs/compatibility.md (minutes, downloads)
	@bash .ci/parts integration | while IFS='|' read -r name package; do echo "*** NOT TESTED: $$name: apt-get install $$package ***" >&2; done
	@rm -rf .cache/compat && mkdir -p .cache/compat
	OIDCAUTH_INTEGRATION=1 OIDCAUTH_COMPAT=$(CURDIR)/.cache/compat go test $(RACE) -count=1 -timeout 40m $(REAL)
	@[ -n "$$(bash .ci/parts integration)" ] || go run ./integration/compat/write .cache/compat docs/compatibility.md

model: ## check the refresh protocol's model with Spin
	@if command -v spin >/dev/null; then bash docs/models/check.sh; else \
		echo '*** NOT CHECKED: Spin is not installed: apt-get install spin ***' >&2; [ "$$CI" != true ]; fi

consumer: ## go get every adapter in an empty module, build and run its README's program, count what came with it
	$(TOOLS) consumer

docs: ## compile the programs of the Markdown files, check their links and commands
	$(TOOLS) docs

demo: ## run the demo: two services with a provider beside them (FRAMEWORK=gin, echo, echo5, fiber, fiber3, chi or nethttp; PEERS=1; Ctrl-C ends it)
	@mkdir -p .cache/bin && go build -o .cache/bin/demo ./examples/demo && exec .cache/bin/demo -framework $(FRAMEWORK) -peers $(or $(PEERS),2)

picture: ## write docs/demo.png, the README's picture, from the page of the demo in Chromium: look at it before you commit it
	OIDCAUTH_INTEGRATION=1 OIDCAUTH_PICTURE=$(CURDIR)/docs go test -count=1 -run '^TestPicture$$' ./integration/browser

race: ## run every test COUNT times in random order with the race detector
	go test -race -shuffle=on -count=$(COUNT) $(PACKAGES)

soak: ## ROUNDS rounds of 50 refreshes at once on every store, and SESSIONS stale sessions with 50 requests each: no token may be spent twice; then soak-app
	OIDCAUTH_SOAK_ROUNDS=$(ROUNDS) go test -count=1 -timeout=0 -v -run '^Test(Memory|Store)$$/^soak$$' ./core/store/storetest $(patsubst %/go.mod,./%,$(wildcard brokerstore/*/go.mod))
	OIDCAUTH_SESSIONS=$(SESSIONS) go test -count=1 -timeout=0 -v -run '^TestStaleBrowserSessions$$' ./integration
	@$(MAKE) soak-app

# Figures, heap profiles and logs are in .cache/soak.
soak-app: ## an application for SOAK_FOR on each of SOAK_STORES (SQLite, PostgreSQL, MariaDB, MongoDB, Redis), with outages, kills and new keys: nobody may be logged out
	OIDCAUTH_SOAK=$(SOAK_FOR) OIDCAUTH_SOAK_STORES=$(SOAK_STORES) OIDCAUTH_SOAK_DIR=$(CURDIR)/.cache/soak go test -count=1 -timeout=0 -v ./integration/soak

# A package's tests are compiled for fuzzing once, not once for each target. What is found of interest stays where go test leaves it.
fuzz: ## run every fuzz target for FUZZTIME, two at a time
	@rm -rf .cache/fuzz && mkdir -p .cache/fuzz
	@targets=$$(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(MODULES) | sort -u | sed 's|/[^/]*:func | |'); \
	for package in $$(echo "$$targets" | cut -d' ' -f1 | sort -u); do \
		go test -c -vet=off -ldflags=-w -fuzz . -o ".cache/fuzz/$$(echo "$$package" | tr / -)" "./$$package" || exit; \
	done; \
	kept=$$(go env GOCACHE)/fuzz; module=$$(sed -n 's/^module \(.*\)\/core$$/\1/p' core/go.mod); \
	echo "$$targets" | xargs -P 2 -L 1 sh -c '\
		program=$(CURDIR)/.cache/fuzz/$$(echo "$$2" | tr / -); \
		said=$$(cd "$$2" && "$$program" -test.run "^$$" -test.fuzz "^$$3$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 1s -test.fuzzcachedir "$$0/$$1/$$2" 2>&1) || code=255; \
		echo "$$3 in $$2"; echo "$$said"; exit $${code:-0}' "$$kept" "$$module"

bench: ## compare with the bare signature check, other libraries and other middleware (up to 25 minutes), and write docs/performance.md
	go run ./bench -out docs/performance.md

bench-quick: ## the same with few rounds, printed alone: a minute, for finding mistakes
	go run ./bench -quick

release: ## check that a release can be tagged and print the commands; pushes nothing
	$(TOOLS) release

clean: ## remove what the targets left in .cache, the linter too
	rm -rf .cache
