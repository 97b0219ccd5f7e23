# The commands of this project. Their scripts are in .ci.

GO        ?= go
FUZZTIME  ?= 30s
BENCHTIME ?= 1s
LOAD      ?= 1
SCENARIOS ?=
SCENARIO  ?=
CLIENTS   ?=
MINUTES   ?= 10
SEED      ?=
USERS     ?=
FAULTS    ?=
PAIRS     ?=
DIRECTIONS ?=
OUT       ?=

# The servers of the tests.
SERVERS = prosody prosody-modules ejabberd ngircd ircd-hybrid inspircd atheme-services python3-nbxmpp

# A distribution's Go may be older than go.mod requires, and configured not to download
# the required release.
export GOTOOLCHAIN ?= auto

# If git refuses to read a working copy, because another user owns it, Go refuses to build
# with the revision.
ifneq ($(shell git status --porcelain >/dev/null 2>&1 && echo readable),readable)
export GOFLAGS := $(shell $(GO) env GOFLAGS) -buildvcs=false
endif

.DEFAULT_GOAL := help
.PHONY: help demo build test lint vulnerabilities bench bench-irc bench-oscar bench-curve profile chaos soak clients fuzz conformance limits deps clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r left right; do printf '%-14s %s\n' "$$left" "$$right"; done

demo: ## show the gateway with an XMPP server and a mock network; KEEP=1 keeps them running
	@.ci/deps prosody
	$(GO) run ./cmd/transport demo $(if $(KEEP),--keep)

build: ## build the program as ./transport
	@.ci/deps
	$(GO) build -o transport ./cmd/transport

test: ## lint, and run all tests with the race detector and real servers
	@.ci/deps $(SERVERS)
	.ci/lint
	TRANSPORT_E2E=require $(GO) test -race -shuffle=on -timeout 15m ./...

vulnerabilities: ## search the program for known vulnerabilities (needs vuln.go.dev, or VULNDB=file:///FOLDER)
	.ci/vulnerabilities

lint: ## check formatting, suspicious code, unused dependencies and known vulnerabilities
	@.ci/deps
	.ci/lint

bench: ## run the benchmarks, each for BENCHTIME=1s
	@.ci/deps
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 30m ./component ./component/element ./legacy/oscar/oscarwire ./registry

bench-irc: ## benchmark the IRC gateway and biboumi; LOAD=0.1 is quick, SCENARIOS=regexp selects
	@.ci/deps prosody ngircd biboumi
	$(GO) run ./cmd/transport/internal/benchirc -mode played -n $(LOAD) -only '$(SCENARIOS)'
	$(GO) run ./cmd/transport/internal/benchirc -mode real -n $(LOAD) -only '$(SCENARIOS)'

bench-oscar: ## benchmark the ICQ gateway with the mock network; LOAD=0.1 is quick, SCENARIOS=regexp selects
	@.ci/deps
	$(GO) run ./cmd/transport/internal/benchoscar -n $(LOAD) -only '$(SCENARIOS)'

bench-curve: ## measure how costs grow with messages, idle users, contacts and channels
	@.ci/deps
	$(GO) run ./cmd/transport/internal/benchoscar -mode curve -only '$(SCENARIOS)'
	$(GO) run ./cmd/transport/internal/benchirc -mode curve -only '$(SCENARIOS)'
	$(GO) run ./cmd/transport/internal/benchoscar -mode idle -n $(LOAD)

profile: ## show where CPU time and memory go in the scenarios that SCENARIO=regexp selects, of both benchmarks
	@.ci/deps
	$(GO) run ./cmd/transport/internal/benchoscar -profile -n $(LOAD) -only '$(SCENARIO)'
	$(GO) run ./cmd/transport/internal/benchirc -profile -mode played -gateways transport -n $(LOAD) -only '$(SCENARIO)'

chaos: ## let faults strike the gateway and its servers for MINUTES=10 while USERS=200 chat, and count every message; SEED= repeats a run
	@.ci/deps prosody ejabberd ngircd inspircd
	$(GO) run ./cmd/transport/internal/chaos -for $(MINUTES)m $(if $(SEED),-seed $(SEED)) $(if $(USERS),-users $(USERS)) $(if $(FAULTS),-only '$(FAULTS)') $(if $(PAIRS),-pairs '$(PAIRS)') $(if $(DIRECTIONS),-directions)

soak: ## let users come and go for MINUTES=30, and check that memory, goroutines, descriptors and database level off
	@.ci/deps prosody ngircd
	$(GO) run ./cmd/transport/internal/soak -for $(if $(filter command line environment,$(origin MINUTES)),$(MINUTES),30)m $(if $(SEED),-seed $(SEED)) $(if $(USERS),-users $(USERS))

clients: ## drive real clients through the gateway, with screenshots in OUT=folder; CLIENTS="converse" selects, FETCH=1 downloads Converse.js
	@.ci/deps prosody prosody-modules ngircd
	$(GO) run ./cmd/transport/internal/clients $(if $(CLIENTS),-clients '$(CLIENTS)') $(if $(OUT),-out '$(OUT)') $(if $(FETCH),-fetch)

fuzz: ## fuzz each parser in turn, FUZZTIME=30s each
	@.ci/deps
	FUZZTIME=$(FUZZTIME) .ci/fuzz

conformance: ## list the sections of specifications that tests cover, and write CONFORMANCE.md
	@.ci/conformance | tee CONFORMANCE.md

limits: ## collect the limits of the source, and write docs/LIMITS.md
	UPDATE_LIMITS=1 $(GO) test ./cmd/transport -run '^TestLimits$$'

deps: ## install missing programs for building, the demo and the tests
	@.ci/deps $(SERVERS)

clean: ## remove the built program
	rm -f transport
