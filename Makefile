# One line of help per target is the comment behind its name; `make` prints them.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Run by version, so that a machine with nothing but Go has it too. Go keeps the
# built program in its cache.
GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# Also builds from a tarball, and in a clone that belongs to another user, where
# git refuses to answer.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)
VERSION ?= $(shell { [ -e .git ] && git describe --tags --always --dirty 2>/dev/null; } || true)

# The race detector needs a C compiler; go turns cgo off when it finds none.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# What happens outside of the test process (a PostgreSQL that is killed, seeds
# that are drawn) is nothing Go's test cache sees: no cached result counts.
TESTFLAGS ?= -count=1 -timeout 30m

# Rounds of the large benchmark, whose medians are printed; its sizes can be given
# as BENCHFLAGS="-list-chats 20000 -detail-chats 500".
BENCHROUNDS ?= 5
BENCHCOUNT ?= 5

# How long the daemons are disturbed, and the seed of what happens; none draws one.
SOAKFOR ?= 10m
SOAKSEED ?=

.PHONY: help build demo test soak lint bench postgres

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: ## bin/syncd, which knows its version
	@mkdir -p bin
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/syncd ./cmd/syncd

demo: postgres ## everything offline: private PostgreSQL, simulated vendors, one full sync, a status page
	go run ./cmd/syncd demo $(DEMOFLAGS)

test: postgres lint ## all that CI checks: lint, every test with the race detector, two minutes of soak, the contract module, what is deployed
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	go test $(RACE) $(TESTFLAGS) ./...
	$(if $(RACE),go test $(TESTFLAGS) -run '^TestMonthOfDingTalk$$' ./cmd/syncd)
	SYNCD_SOAK=2m go test $(RACE) $(TESTFLAGS) -run '^TestSoak$$' ./cmd/syncd
	cd internal/vendorsim/contract && go test $(RACE) $(TESTFLAGS) ./...
	cd deploy/check && go test $(TESTFLAGS) ./...

soak: postgres ## three daemons, twelve tenants, ten minutes of kills, restarts and faults; SOAKFOR=1h SOAKSEED=7 make soak
	SYNCD_SOAK=$(SOAKFOR) SYNCD_SOAK_SEED=$(SOAKSEED) go test $(TESTFLAGS) -run '^TestSoak$$' -v -timeout 0 ./cmd/syncd

lint: ## formatting and static checks, as .golangci.yml says
	$(GOLANGCI) run --allow-parallel-runners ./...

bench: postgres ## whole passes beside the limits of this machine (docs/benchmarks.md), then single parts for benchstat
	go test -run '^$$' -bench '^BenchmarkSync$$' -benchtime $(BENCHROUNDS)x -timeout 1h ./cmd/syncd -args $(BENCHFLAGS)
	go test -run '^$$' -bench '^Benchmark(SyncLarge|OwnerDays|ManyTenants|ScaleOut)$$' -benchtime 1x -timeout 1h ./cmd/syncd -args $(BENCHFLAGS)
	go test -run '^$$' -bench . -benchmem -count $(BENCHCOUNT) ./internal/...

postgres: ## makes sure that there is a PostgreSQL server to start privately (part of test, demo, bench)
	@go run ./scripts/postgres
