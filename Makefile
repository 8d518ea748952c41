# Everything a contributor runs. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.15.0
TOOLS := $(CURDIR)/.tools
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# gin's msgpack codec is a third of the binary, and nothing here speaks it.
TAGS := nomsgpack
GO_TEST := go test -tags $(TAGS) -shuffle=on
export GOFLAGS := -buildvcs=false

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Run the service, the hub and the sandbox; Ctrl-C ends them
	@exec bin/liaison demo

.PHONY: build
build: ## Build bin/liaison and bin/contoso
	@echo "building; the first time this downloads modules and takes a minute"
	@go build -tags $(TAGS) -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/...

.PHONY: test
test: test-needs ## Run every test: race detector, real PostgreSQL, real browser
	@go test -tags $(TAGS) -count=1 -v -run TestDB_without_sets ./internal/pgtest 2>&1 | grep '^pgtest:'
	$(GO_TEST) -race -timeout 12m ./...
	@$(MAKE) --no-print-directory fuzz FUZZTIME=200x
	@$(MAKE) --no-print-directory test-docker

.PHONY: test-short
test-short: ## Run the tests that need neither a database nor a browser
	$(GO_TEST) -short ./...

# go test fuzzes one target at a time. FUZZTIME may be a number of inputs, too. They
# are not made smaller: behind the doors goroutines run, whose coverage is
# never the same twice, so that the fuzzer would try in vain.
FUZZTIME ?= 10m

.PHONY: fuzz
fuzz: ## Fuzz each parser for FUZZTIME (default 10m)
	@set -eo pipefail; grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | \
	while IFS=: read -r file target; do \
		target=$${target#func }; echo "fuzz $$(dirname "$$file") $$target $(FUZZTIME)"; \
		go test -tags $(TAGS) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$(dirname "$$file")" </dev/null; \
	done

.PHONY: test-docker
test-docker: ## Run the storage tests once more in a container, where Docker can be had
	@.ci/test-docker $(GO_TEST) -race -count=1 ./internal/schema ./delivery ./mapping

.PHONY: test-needs
test-needs:
	@.ci/test-needs

.PHONY: lint
lint: $(GOLANGCI) ## Check the code; installs the pinned linter first
	@$(GOLANGCI) run --build-tags $(TAGS) ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## Format the code
	@$(GOLANGCI) fmt ./...

$(GOLANGCI):
	@echo "installing golangci-lint $(GOLANGCI_VERSION)"
	@GOBIN=$(TOOLS)/new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/new/golangci-lint $@ && rmdir $(TOOLS)/new

.PHONY: generate
generate: ## Take the screenshots of docs/ anew
	TEST_SCREENSHOTS=$(CURDIR)/docs/images go test -tags $(TAGS) -count=1 -run 'TestTheWholeConversation|TestTheConversationOnThePages|TestTheHubsOwnChatOnThePages' ./internal/e2e

.PHONY: bench
bench: build ## Measure the whole service and write docs/benchmarks.md; BENCH=short only prints
	@go build -tags $(TAGS) -trimpath -o bin/bench ./internal/bench/cmd
	@bin/bench --program bin/liaison $(if $(filter short,$(BENCH)),--short,--out docs/benchmarks.md)

.PHONY: bench-parts
bench-parts: ## Measure the parts by themselves
	go test -tags $(TAGS) -run '^$$' -bench . -benchmem ./auth ./delivery

.PHONY: bench-parked
bench-parked: test-needs ## Measure what 10,000 conversations cost in which nobody talks to their copilot
	TEST_PARKED=10000 TEST_PARKED_FOR=60s go test -tags $(TAGS) -count=1 -v -run '^TestParked$$' ./internal/e2e

CHAOS_FOR ?= 10m
CHAOS_SEEDS ?= 1 2 3

.PHONY: chaos
chaos: test-needs ## Try to break the promises: CHAOS_FOR=10m for each of CHAOS_SEEDS="1 2 3"
	@for seed in $(CHAOS_SEEDS); do \
	  TEST_CHAOS_SEED=$$seed TEST_CHAOS_FOR=$(CHAOS_FOR) \
	    go test -tags $(TAGS) -count=1 -timeout 0 -parallel 1 -v -run '^TestR(1_Chaos|4_Definite|8_Recovery)$$' ./internal/chaos || exit 1; \
	done

MODEL_FOR ?= 10m
MODEL_SEEDS ?= 1 2 3

.PHONY: model
model: test-needs ## Play conversations against the model: MODEL_FOR=10m for each of MODEL_SEEDS="1 2 3"
	@dir=$$(if [ -w /dev/shm ]; then echo /dev/shm; fi); for seed in $(MODEL_SEEDS); do \
	  echo "model seed $$seed"; \
	  TMPDIR=$${dir:-$${TMPDIR:-/tmp}} TEST_MODEL_FOR=$(MODEL_FOR) \
	    go test -tags $(TAGS) -count=1 -timeout 0 -v -run '^TestModel$$' ./internal/bridgemodel \
	    -rapid.seed=$$seed -rapid.checks=1000000 -rapid.shrinktime=0s -rapid.nofailfile || exit 1; \
	done

RELAY_CONVERSATIONS ?= 500
RELAY_SEEDS ?= 1 2 3

.PHONY: relay-run
relay-run: test-needs ## Let RELAY_CONVERSATIONS=500 users talk to a copilot under faults, for each of RELAY_SEEDS="1 2 3"
	@for seed in $(RELAY_SEEDS); do \
	  TEST_RELAY_SEED=$$seed TEST_RELAY_CONVERSATIONS=$(RELAY_CONVERSATIONS) \
	    go test -tags $(TAGS) -count=1 -timeout 0 -v -run '^TestRun$$' ./relay || exit 1; \
	done

.PHONY: check
check: lint test ## What CI runs
