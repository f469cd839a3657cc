SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A source archive has no git to ask.
version = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# golangci-lint has a module file of its own: its 200 dependencies are not ours.
golangci := go tool -modfile=tools/go.mod golangci-lint
spectral := tools/spectral/node_modules/.bin/spectral

.PHONY: build demo test check format vet lint tidy openapi check-providers bench help

build: ## build bin/syncro, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(version)' -o bin/syncro ./cmd/syncro

demo: build ## build and run the demo
	./bin/syncro demo

test: ## run all tests on SQLite and PostgreSQL, with the race detector
	@scripts/need postgres cc
	CGO_ENABLED=1 go test -race ./...

check: format vet lint tidy openapi ## everything that can be said without running the tests

format: ## gofmt has nothing to change
	@unformatted=$$(gofmt -l .); \
	[[ -z "$$unformatted" ]] || { echo "gofmt -w these:" $$unformatted >&2; exit 1; }

vet: ## go vet
	go vet ./...

lint: ## golangci-lint with .golangci.yaml
	$(golangci) run ./...

tidy: ## go.mod and go.sum say what the code imports
	go mod tidy -diff

openapi: $(spectral) ## docs/openapi.json is up to date and has no Spectral warning
	go run ./cmd/syncro openapi | diff -u docs/openapi.json - \
		|| { echo "go run ./cmd/syncro openapi > docs/openapi.json" >&2; exit 1; }
	$(spectral) lint --ruleset .spectral.yaml --fail-severity=warn docs/openapi.json

# Scripts of packages stay off: one of them only reports home.
$(spectral): tools/spectral/package-lock.json
	npm ci --prefix tools/spectral --ignore-scripts --no-audit --no-fund
	@touch $@

check-providers: ## what we send to WhatsApp providers agrees with their descriptions (PROVIDER_SPECS=DIRECTORY)
	PROVIDER_SPECS="$${PROVIDER_SPECS:-../shared/reference/provider-specs}" go run ./internal/messaging/providertest/check

bench: ## measure against the yardstick (takes a while)
	bench/run

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do printf '%-15s  %s\n' "$$name" "$$what"; done
