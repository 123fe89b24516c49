# One command each. `make help` lists them. Nothing here needs more than Go, a shell and what `make parts` installs.
SHELL := /bin/bash
GO ?= go
FUZZTIME ?= 5s
LDFLAGS := -X main.commit=$(shell git rev-parse --short=12 HEAD 2>/dev/null)

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: build
build: ## the binary, static, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/consentry ./cmd/consentry

.PHONY: demo
demo: ## everything in one process, nothing to install
	$(GO) run ./cmd/consentry demo

.PHONY: parts
parts: ## redis-server, a JRE, Kafka's and the registry's jars: installed or downloaded once
	$(GO) run ./deploy/testbed parts

.PHONY: test
test: parts lint ## everything: unit, scenarios, real Kafka, Redis and registries
	$(GO) test -timeout 20m ./...

PROOF ?= million outage canary detectors newcomer failover cluster owners load scale blind
.PHONY: prove
prove: parts ## the long proofs on real parts, and every mutant of the merge; PROOF=million for one
	$(GO) run ./internal/e2e/prove $(PROOF)
	$(GO) run ./internal/mutants

.PHONY: bench
bench: parts ## worker CPU beside a bare copy loop on a real broker
	$(GO) run ./internal/e2e/prove bench

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run: gofmt -w ."; exit 1; }
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

.PHONY: fuzz
fuzz: ## every fuzzer for FUZZTIME
	@set -e; for d in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -rhoE '^func Fuzz[A-Za-z0-9_]+' $$d/*_test.go | awk '{print $$2}' | sort -u); do \
	    echo "$$d $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$d; done; done
