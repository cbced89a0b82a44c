# The factory as plain containers: images, and the compose stack of deploy/compose.

.PHONY: images pin-images compose-up compose-down compose-status compose-engine

VERSION := $(shell sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
IMAGES := $(patsubst %,factory-monitoring/%:$(VERSION),provisioner sensors consumers monitoring-api monitoring-web)
# Next to it, $(COMPOSE_ENV).secrets contains the passwords: created by compose-up, kept by compose-down.
COMPOSE_ENV ?= deploy/compose/.env
COMPOSE = $(if $(shell docker compose version 2>/dev/null),docker compose,docker-compose) --file deploy/compose/compose.yaml --env-file $(call quoted,$(abspath $(COMPOSE_ENV)))

compose-engine:
	@said=$$($$(command -v timeout >/dev/null && echo timeout 10) docker info 2>&1) || { case "$$said" in \
	  *"permission denied"*) echo "the container engine lets only root and the group docker in" ;; \
	  *) echo "no container engine answers (docker info): install Docker, or start it" ;; esac; exit 1; }

images: compose-engine ## Build the images of all services (BASE_IMAGE=… names another base), and list what is in them in artifacts/sbom
	@dotnet build eng/images.proj -m -v quiet --nologo
	@eng/make/sbom.sh $(VERSION)
	@docker images --filter 'reference=factory-monitoring/*:$(VERSION)' --format 'table {{.Repository}}\t{{.Tag}}\t{{.Size}}'

pin-images: compose-engine ## Pin the images of others by the digests that their registries have for the tags now
	@eng/pin-images.sh

compose-up: compose-engine ## Start the stack of containers (PROFILE=observability adds the Aspire dashboard, Prometheus and Grafana; none drops them)
	@docker image inspect $(IMAGES) >/dev/null 2>&1 || $(MAKE) --no-print-directory images
	@FACTORY_VERSION=$(VERSION) deploy/compose/env.sh $(call quoted,$(COMPOSE_ENV))
	@deploy/compose/up.sh $(call quoted,$(COMPOSE_ENV)) $(COMPOSE)
	@deploy/compose/status.sh $(call quoted,$(COMPOSE_ENV)) --wait

compose-down: compose-engine ## Stop the stack of containers; its data stay (DATA=remove removes them too)
	@[ -f $(call quoted,$(COMPOSE_ENV)) ] || { echo "no stack of containers was ever started here"; exit 1; }
	@grep -q '^SECRETS=' $(call quoted,$(COMPOSE_ENV)) || deploy/compose/env.sh $(call quoted,$(COMPOSE_ENV))
	@$(COMPOSE) --profile observability down --remove-orphans $(if $(filter remove,$(DATA)),--volumes) || { \
	  $(if $(filter remove,$(DATA)),docker volume ls --quiet --filter label=com.docker.compose.project=$$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' $(call quoted,$(COMPOSE_ENV))) | xargs --no-run-if-empty docker volume rm;) exit 1; }

compose-status: compose-engine ## Show the containers, their health, and what the API counts
	@deploy/compose/status.sh $(call quoted,$(COMPOSE_ENV))
