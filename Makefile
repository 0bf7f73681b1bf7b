# Everything runs on the Node 24 that npm installs here, never on the machine's own.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.package-lock.json

.PHONY: help run test bench lint format build clean
help: ## show what can be made
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

build: $(INSTALLED) ## bundle every function into dist/
	@node bundle.ts

run: build ## the whole platform on this machine, and one function built and called (ONCE=1: exit afterwards)
	@exec node local/main.ts

lint: $(INSTALLED) ## style and types
	@biome check --error-on-warnings
	@tsc --noEmit

format: $(INSTALLED) ## mend the style
	@biome check --write

test: lint build ## every test that needs no cluster
	@vitest run

bench: build ## the measurements, as a table
	@node bench/main.ts

clean: ## delete what was made here, but for node_modules
	rm -rf dist .local
