# pgpreflight. `make help` lists what there is; `make run` and `make test` need nothing else first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO           ?= go
GOFLAGS_BIN  := -trimpath -ldflags=-s\ -w
CACHE        := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pgpreflight
LINT_VERSION := v2.15.0
LINT         := $(CACHE)/golangci-lint-$(LINT_VERSION)/golangci-lint
VULN_VERSION := v1.9.0
NODE_MODULES := infra/local/node_modules/.package-lock.json

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: build
build: bin/handler bin/funchost ## build bin/handler and the local Functions host

GO_FILES := $(shell find handlers shared infra/local -name '*.go' -not -path '*/node_modules/*' 2>/dev/null) \
	$(shell find shared -name '*.yaml' 2>/dev/null) go.mod go.sum

# static, so that the package runs on whatever libc the platform has
bin/handler: $(GO_FILES)
	CGO_ENABLED=0 $(GO) build $(GOFLAGS_BIN) -o $@ ./handlers

bin/funchost: $(GO_FILES)
	CGO_ENABLED=0 $(GO) build $(GOFLAGS_BIN) -o $@ ./infra/local/host/cmd

.PHONY: setup
setup: $(NODE_MODULES) ## install what the local stack needs (npm packages; PostgreSQL where root may)
	@bash infra/local/setup.sh

$(NODE_MODULES): infra/local/package-lock.json
	@command -v npm >/dev/null || { echo "npm is not installed: the local stack needs Node.js 20 or newer"; exit 1; }
	@echo "installing the local stack's npm packages …"
	@cd infra/local && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: run
run: setup build ## the main job on real input: the local stack, a check request through the queue, the report
	@$(GO) run ./infra/local/demo $(if $(SOURCE),-source '$(SOURCE)') $(if $(TARGET),-target '$(TARGET)')

.PHONY: start
start: setup build ## start the local stack and leave it running (uses Core Tools' func where it is installed)
	@$(GO) run ./infra/local/demo -stay

.PHONY: test
test: setup build ## every test, with the race detector
	@bash infra/local/test.sh

.PHONY: infra-tools
infra-tools: ## terraform and its azurerm provider for the checks of infra/, built once per machine (a quarter of an hour)
	@bash infra/local/terraform/tools.sh

.PHONY: infra-test
infra-test: infra-tools ## the checks of infra/: fmt, validate, mocks, and apply against a management plane on loopback
	@bash infra/local/terraform/test.sh

# what runs in Azure, whatever this machine is
bin/linux-amd64/handler: $(GO_FILES)
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build $(GOFLAGS_BIN) -o $@ ./handlers

.PHONY: package
package: bin/linux-amd64/handler ## bin/pgpreflight.zip, what the Functions host runs; the same commit gives the same bytes
	@$(GO) run ./infra/package -handler $< -out bin/pgpreflight.zip

.PHONY: deploy
deploy: package ## publish the package with the Azure CLI: make deploy RESOURCE_GROUP=… APP=…
	@test -n "$(RESOURCE_GROUP)" -a -n "$(APP)" || { echo "usage: make deploy RESOURCE_GROUP=… APP=… (terraform output names them)"; exit 2; }
	@command -v az >/dev/null || { echo "the Azure CLI (az) is not installed"; exit 2; }
	az functionapp deployment source config-zip --resource-group '$(RESOURCE_GROUP)' --name '$(APP)' --src bin/pgpreflight.zip

.PHONY: vuln
vuln: ## known vulnerabilities in what is linked in; asks the Go vulnerability database, or GOVULNDB
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION) ./...

.PHONY: fuzz
fuzz: ## fuzz what reads bytes from strangers, FUZZTIME each (default: 60s)
	@bash infra/local/fuzz.sh

# a report that was really made, as its page looks; run it when the page changes
.PHONY: picture
picture: run ## the picture of a report in docs, anew
	@profile=$$(mktemp -d); $(or $(CHROMIUM),chromium) --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars \
		--disable-background-networking --disable-component-update --disable-sync --disable-extensions --disable-quic \
		--host-resolver-rules='MAP * ~NOTFOUND , EXCLUDE 127.0.0.1' --user-data-dir=$$profile --window-size=980,1043 \
		--screenshot=docs/report.png "file://$(CURDIR)/.local/reports/sample-broken.html" 2>/dev/null; rm -rf $$profile

BENCHSTAT_VERSION := v0.0.0-20260908200009-22c9c6c9d4da
BENCH_CHECK := $(GO) test -run '^$$' -bench BenchmarkCheck -benchmem -benchtime 100x -count 6 ./shared/check

.PHONY: bench-allocs
bench-allocs: ## allocations and time of a full check, compared with the stored baseline (benchstat)
	@mkdir -p .local
	$(BENCH_CHECK) > .local/benchmark.txt
	@$(GO) run golang.org/x/perf/cmd/benchstat@$(BENCHSTAT_VERSION) shared/check/testdata/benchmark.txt .local/benchmark.txt

.PHONY: bench-allocs-baseline
bench-allocs-baseline: ## the baseline of bench-allocs, anew
	@mkdir -p .local
	$(BENCH_CHECK) > .local/benchmark.txt
	@cp .local/benchmark.txt shared/check/testdata/benchmark.txt

.PHONY: bench
bench: setup bin/handler ## our check beside psql, a shell script, blackbox_exporter and pgx, over a link with a delay (root)
	@WITH_LAB=1 WITH_BENCH=1 bash infra/local/setup.sh
	@$(GO) build -o bin/bench ./infra/local/bench
	@bin/bench -blackbox "$$(bash infra/local/bench/blackbox.sh)" $(BENCH)

.PHONY: bench-queue
bench-queue: setup build ## 10,000 checks (CHECKS) from the queue to their reports, one instance on the local stack; and an invocation alone
	$(GO) run ./infra/local/bench/queue -checks $(or $(CHECKS),10000)
	$(GO) test -run '^$$' -bench BenchmarkInvocation -benchtime 5000x -count 5 ./handlers

.PHONY: soak
soak: ## 100,000 checks of healthy, broken and hostile peers in one process (SOAK_CHECKS); minutes on an idle machine
	SOAK_CHECKS=$(or $(SOAK_CHECKS),100000) $(GO) test -count=1 -timeout 2h -v -run TestSoak ./infra/local/soak

.PHONY: lint
lint: $(LINT) ## gofmt and golangci-lint, pinned
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	@$(LINT) run --allow-serial-runners ./...

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION), once per machine …"
	@mkdir -p $(dir $@)
	@cd / && GOBIN=$(dir $@) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .local
