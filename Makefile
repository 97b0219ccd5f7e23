# What one does with this project. The scripts are in .ci.

GO        ?= go
FUZZTIME  ?= 30s
BENCHTIME ?= 1s
LOAD      ?= 1
SCENARIOS ?=
CLIENTS   ?=
OUT       ?=

# What the tests run.
SERVERS = prosody prosody-modules ejabberd ngircd ircd-hybrid inspircd atheme-services python3-nbxmpp

# The Go of a distribution may be older than go.mod wants, and told not to fetch
# the right one.
export GOTOOLCHAIN ?= auto

# In a copy that git refuses to read, since it belongs to somebody else, Go refuses
# to build unless it is told to leave the revision out.
ifneq ($(shell git status --porcelain >/dev/null 2>&1 && echo readable),readable)
export GOFLAGS := $(shell $(GO) env GOFLAGS) -buildvcs=false
endif

.DEFAULT_GOAL := help
.PHONY: help demo build test lint bench bench-irc clients fuzz conformance deps clean

help: ## list what make can do
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r left right; do printf '%-14s %s\n' "$$left" "$$right"; done

demo: ## show the gateway at work, with an XMPP server and a mock network; KEEP=1 leaves it running
	@.ci/deps prosody
	$(GO) run ./cmd/transport demo $(if $(KEEP),--keep)

build: ## build the program as ./transport
	@.ci/deps
	$(GO) build -o transport ./cmd/transport

test: ## lint, then all tests, with the race detector and real servers
	@.ci/deps $(SERVERS)
	.ci/lint
	TRANSPORT_E2E=require $(GO) test -race -shuffle=on -timeout 15m ./...

lint: ## look for what is not formatted, suspicious or left over
	@.ci/deps
	.ci/lint

bench: ## measure; BENCHTIME=1s for each benchmark
	@.ci/deps
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 30m ./component ./component/element ./legacy/oscar/oscarwire ./registry

bench-irc: ## measure the IRC gateway beside biboumi; LOAD=0.1 for a quick look, SCENARIOS=regexp for some
	@.ci/deps prosody ngircd biboumi
	$(GO) run ./cmd/transport/internal/benchirc -mode played -n $(LOAD) -only '$(SCENARIOS)'
	$(GO) run ./cmd/transport/internal/benchirc -mode real -n $(LOAD) -only '$(SCENARIOS)'

clients: ## walk people's clients through the gateway, with pictures in OUT=folder; CLIENTS="converse" for some, FETCH=1 to get Converse.js
	@.ci/deps prosody prosody-modules ngircd
	$(GO) run ./cmd/transport/internal/clients $(if $(CLIENTS),-clients '$(CLIENTS)') $(if $(OUT),-out '$(OUT)') $(if $(FETCH),-fetch)

fuzz: ## fuzz each parser in turn, FUZZTIME=30s each
	@.ci/deps
	FUZZTIME=$(FUZZTIME) .ci/fuzz

conformance: ## list the sections of specifications that tests cover, in CONFORMANCE.md too
	@.ci/conformance | tee CONFORMANCE.md

deps: ## install what building, the demo and the tests need, if it is missing
	@.ci/deps $(SERVERS)

clean: ## remove what was built
	rm -f transport
