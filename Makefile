# Everything runs on the Node 24 that npm installs here, never on the machine's own.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.package-lock.json

.PHONY: help run test chaos fuzz fuzz-builds e2e bench lint format build clean e2e-disturbed bench-builds bench-cluster bench-gate scale page screenshots image deploy rotate-key undeploy manifests dashboards
help: ## show what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

build: $(INSTALLED) ## bundle every function into dist/, and the command kn-lambda
	@node bundle/main.ts
	@ln -sf ../../dist/cli/kn-lambda.mjs node_modules/.bin/kn-lambda

run: build ## the whole platform on this machine, as it was left, and one function built and called (ONCE=1: exit afterwards)
	@exec node local/main.ts

lint: $(INSTALLED) ## style and types
	@biome check --error-on-warnings
	@tsc --noEmit
	@tsc --noEmit -p page

format: $(INSTALLED) ## mend the style
	@biome check --write

page: $(INSTALLED) ## the page as it is written, beside a platform that runs: make run in another shell (PLATFORM=url)
	@exec node bundle/serve-page.ts

screenshots: build ## the pictures of the README, taken of the laptop platform by the machine's Chromium
	@exec node test/page/screenshots.ts

test: lint ## every test that needs no cluster
	@npm run --silent test

fuzz: $(INSTALLED) ## bad input of every kind: RUNS=100000 (SEED=number, AREA='event door' alone)
	@exec node test/fuzz/main.ts

fuzz-builds: $(INSTALLED) ## sources as people upload them, really built, started and called: RUNS=50 (SEED=number, SOURCE=number alone, SLOW=1: those too that need a network)
	@exec node test/fuzz/sources/main.ts

chaos: $(INSTALLED) ## whole lives of builds with everything failing, simulated: RUNS=10000 SEED=1 (TRACE=1: one run, line by line; MUTATIONS=1: with each safeguard taken out)
	@node test/chaos/$(if $(MUTATIONS),mutations,main).ts --runs $(or $(RUNS),1000) --seed $(or $(SEED),1) $(if $(TRACE),--trace)

bench: build ## the measurements, as a table
	@node bench/main.ts

bench-builds: build ## many builds of many clients at once on this machine, some 20 minutes: BUILDS=1000, TENANTS=50, BIG=600 (one client's); MIX=1: requests of every kind, and whether each promise holds (SEED=1)
	@node bench/$(if $(MIX),mixed-requests,many-builds).ts

bench-gate: build ## the quick ones of the measurements, against the ratios of bench/limits.json, some five minutes (UPDATE=1: write that file; ONLY=awake,changes,starts,door)
	@node bench/gate.ts

bench-cluster: $(INSTALLED) ## the measurements of the cluster of KUBECONFIG, as tables: ENV=dev (PARTS=latency,throughput; numbers: see docs/performance.md)
	@node bench/cluster/main.ts

scale: $(INSTALLED) ## what a load needs, and which limit it meets first: FUNCTIONS=10000 TENANTS=1000 BUILDS=1000 (an hour) CALLS=5000 (a second), and what bench/scale.ts names
	@node bench/scale.ts

e2e: $(INSTALLED) ## the contract suite and more against what is deployed on the cluster of KUBECONFIG: ENV=dev (E2E_S3_ENDPOINT=url, AUDIT_LOG=file of the API server)
	@export ENV=$(or $(ENV),dev) E2E_STARTED=$$(date -u +%Y-%m-%dT%H:%M:%SZ); vitest run --project e2e --maxWorkers 3 && DELIVERY=own vitest run --project e2e test/contract/calls.test.ts && vitest run --project permissions

e2e-disturbed: $(INSTALLED) ## builds and calls while dispatchers and functions are killed: ENV=dev (ONLY=calls or registry, BUILDS=50, CALLS=500; REGISTRY_STOP, REGISTRY_START, RABBITMQ_STOP, RABBITMQ_START, API_SERVER_STOP, API_SERVER_START, API_SERVER_RESTART: commands)
	@ENV=$(or $(ENV),dev) vitest run --project disturbed --no-file-parallelism $(ONLY)

image: $(INSTALLED) ## build our image and push it: IMAGE=host/path[:tag] (ENV=dev, SETTINGS=file, BUILDER=docker|podman|buildah|kaniko|pack, PLATFORM, REGISTRY_INSECURE=1)
	@node deploy/image.ts

deploy: $(INSTALLED) ## everything onto the cluster of KUBECONFIG: ENV=dev (IMAGE=repository@sha256:…, SETTINGS=file, DEPLOYER=func|kubectl, TIMEOUT=seconds, FORCE=1)
	@exec node deploy/deploy.ts

dashboards: $(INSTALLED) ## boards for Grafana and rules for the Prometheus Operator, as files: deploy/observability
	@node deploy/observability/write.ts

rotate-key: $(INSTALLED) ## change the key that signs events, while they flow; twice, and the former one is worth nothing: ENV=dev
	@exec node deploy/rotate-key.ts

undeploy: $(INSTALLED) ## delete all that deploy made: ENV=dev
	@exec node deploy/undeploy.ts

manifests: $(INSTALLED) ## the same as files for kubectl apply -k: ENV=dev (IMAGE, SETTINGS)
	@exec node deploy/manifests.ts

clean: ## delete what was made here, but for node_modules; make run starts anew
	@case "$$(readlink .local)" in */knative-lambda/*) rm -rf "$$(readlink .local)";; esac
	rm -rf dist .local
