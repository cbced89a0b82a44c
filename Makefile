# `make` lists the targets. Targets that name a part of the factory can be run in a second terminal while the stack runs.

# The directory of the stack's data, logs and stack.json.
RUN_DIRECTORY ?= $(or $(Factory__RunDirectory),artifacts/run)
export Factory__RunDirectory := $(abspath $(RUN_DIRECTORY))
STACK := eng/make/stack.sh
# Some systems set a variable of this name themselves: the machine's name.
name = $(if $(filter command,$(firstword $(origin NAME))),$(NAME))

# A producer is killed and started by its name; the name of any other part is an error.
sensor = $(if $(filter %-sensor,$(or $(name),temperature-sensor)),$(or $(name),temperature-sensor),$(error $(name) is no producer: NAME must be temperature-sensor, vibration-sensor, energy-sensor, humidity-sensor or pressure-sensor))

# Shells set a variable of this name themselves: the terminal's width.
columns = $(if $(filter command,$(firstword $(origin COLUMNS))),$(COLUMNS))

# The variables of the command line that are none of these: a misspelt one would have no effect.
unknown = $(strip $(foreach name,$(filter-out $(1) RUN_DIRECTORY FACTORY_% Factory__% KAFKA_% DATABASE_% DOTNET_%,$(.VARIABLES)),$(if $(filter command,$(firstword $(origin $(name)))),$(name))))
replay_variables := FILE CHECK SPEED_UP LOOP BACKFILL AGAIN SENSOR TYPE COLUMNS NAME_COLUMN TYPES UNITS TIME_COLUMN TIME_FORMAT TIME_ZONE DATE_ORDER INTERVAL MISSING DECIMAL SEPARATOR WARNING CRITICAL

# Quotes an argument as one word for the shell, and each word of several.
quoted = '$(subst ','\'',$(1))'
each_quoted = $(foreach word,$(1),$(call quoted,$(word)))

.DEFAULT_GOAL := help
.PHONY: help full-stack start-monitoring dashboard kill-consumer kill-producer kill-broker kill-postgres start-consumer start-producer \
  start-broker start-postgres stop-consumer stop-producer pause-consumer resume-consumer scale poison load send api-key replay rolling-restart cut-link slow-link restore-link status doctor logs psql send-parked stop reset kafka clean lock test test-quick coverage torture pictures bench

help:
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

full-stack: ## Start everything; installs what is missing where it may
	@eng/make/prerequisites.sh
	@exec dotnet run --project FactoryMonitoring.AppHost

start-monitoring: ## Start API and page alone, on the database of DATABASE_URL
	@eng/make/start-monitoring.sh

dashboard: ## Open the page, or print its address
	@$(STACK) dashboard

kill-consumer: ## Kill a consumer: N=1
	@$(STACK) act kill $(call quoted,sensor-consumer-$(or $(N),1))

kill-producer: ## Kill a sensor: NAME=temperature-sensor
	@$(STACK) act kill $(call quoted,$(sensor))

kill-broker: ## Kill a broker: N=2
	@$(STACK) act kill $(call quoted,kafka$(or $(N),2))

kill-postgres: ## Kill PostgreSQL
	@$(STACK) act kill postgres

start-consumer: ## Start a consumer that is down, or one more: N=1
	@$(STACK) act start $(call quoted,sensor-consumer-$(or $(N),1))

start-producer: ## Start a sensor that is down: NAME=temperature-sensor
	@$(STACK) act start $(call quoted,$(sensor))

start-broker: ## Start a broker that is down: N=2
	@$(STACK) act start $(call quoted,kafka$(or $(N),2))

start-postgres: ## Start PostgreSQL again
	@$(STACK) act start postgres

stop-consumer: ## Stop a consumer gracefully: N=1
	@$(STACK) act stop $(call quoted,sensor-consumer-$(or $(N),1))

stop-producer: ## Stop a sensor gracefully: NAME=temperature-sensor
	@$(STACK) act stop $(call quoted,$(sensor))

pause-consumer: ## Pause a consumer, as if its machine hung: N=1
	@$(STACK) act pause $(call quoted,sensor-consumer-$(or $(N),1))

resume-consumer: ## Let a paused consumer go on: N=1
	@$(STACK) act resume $(call quoted,sensor-consumer-$(or $(N),1))

scale: ## Change how many consumers run: CONSUMERS=5
	@$(STACK) fault scale consumers $(call quoted,$(or $(CONSUMERS),3))

poison: ## Send messages that are no readings: COUNT=10
	@$(STACK) fault poison count $(call quoted,$(or $(COUNT),10))

load: ## Send readings on top of the sensors': RATE=260 (a second) SECONDS=30
	@$(STACK) load $(call quoted,$(or $(RATE),260)) $(call quoted,$(or $(SECONDS),30))

send: ## Send one reading: SENSOR=my-1 TYPE=temperature VALUE=21.5 UNIT=°C (the type's own where it is left out)
	@$(STACK) send sensor_id $(call quoted,$(SENSOR)) sensor_type $(call quoted,$(or $(TYPE),temperature)) value $(call quoted,$(VALUE)) $(if $(UNIT),unit $(call quoted,$(UNIT)))

api-key: ## Make a key for a script: NAME=ci ROLE=viewer (operator, breaker); REMOVE=1 removes it, without NAME the keys are listed
	@$(STACK) api-key $(if $(name),$(if $(REMOVE),remove $(call quoted,$(name)),add $(call quoted,$(name)) $(call quoted,$(or $(ROLE),viewer))),list)

rolling-restart: ## Restart the brokers one after another
	@$(STACK) fault rolling-restart

replay: ## Replay a CSV file as sensors: FILE=… (CHECK=1 only looks, BACKFILL=1 stores it at its own times; COLUMNS= TYPES= UNITS= TIME_COLUMN= SPEED_UP=300 …: docs/replay.md)
	$(if $(call unknown,$(replay_variables)),$(error $(call unknown,$(replay_variables)): no setting of a replay; must be $(replay_variables) (docs/replay.md)))
	@$(STACK) replay $(call quoted,$(CHECK)) File $(call quoted,$(FILE)) SpeedUp $(call quoted,$(SPEED_UP)) Loop $(call quoted,$(LOOP)) Backfill $(call quoted,$(if $(filter 1,$(BACKFILL)),true,$(BACKFILL))) Again $(call quoted,$(if $(filter 1,$(AGAIN)),true,$(AGAIN))) SensorId $(call quoted,$(SENSOR)) SensorType $(call quoted,$(TYPE)) Columns $(call quoted,$(columns)) NameColumn $(call quoted,$(NAME_COLUMN)) Types $(call quoted,$(TYPES)) \
	  Units $(call quoted,$(UNITS)) TimeColumn $(call quoted,$(TIME_COLUMN)) TimeFormat $(call quoted,$(TIME_FORMAT)) TimeZone $(call quoted,$(TIME_ZONE)) DateOrder $(call quoted,$(DATE_ORDER)) Interval $(call quoted,$(INTERVAL)) \
	  Missing $(call quoted,$(MISSING)) DecimalSign $(call quoted,$(DECIMAL)) Separator $(call quoted,$(SEPARATOR)) WarningThreshold $(call quoted,$(WARNING)) CriticalThreshold $(call quoted,$(CRITICAL))

cut-link: ## Cut a network link, as a cable: LINK=database or kafka (which is sensor-consumer-3's)
	@$(STACK) fault link link $(call quoted,$(or $(LINK),database)) action cut

slow-link: ## Slow a link down: LINK=database DELAY=200 (ms, each way)
	@$(STACK) fault link link $(call quoted,$(or $(LINK),database)) action slow delay_ms $(call quoted,$(or $(DELAY),200))

restore-link: ## Let everything through a link again: LINK=database
	@$(STACK) fault link link $(call quoted,$(or $(LINK),database)) action restore

status: ## Show every part with its state
	@$(STACK) status

doctor: ## Can every part reach what it needs? A line each
	@$(STACK) doctor

logs: ## Show the log of a part: NAME=sensor-consumer-1 (LINES=200, FOLLOW=1)
	@$(STACK) logs $(call quoted,$(name)) $(call quoted,$(or $(LINES),200)) $(call quoted,$(FOLLOW))

send-parked: ## Send the parked alerts and dead letters again, which no broker has accepted
	@echo 'UPDATE outbox SET parked_at = NULL, parked_reason = NULL, retry_at = NULL WHERE parked_at IS NOT NULL' | $(STACK) psql

psql: ## SQL on the stack's database: interactive, or from standard input
	@$(STACK) psql

stop: ## Stop the stack
	@$(STACK) stop

reset: ## Remove the data and logs of the stack
	@$(STACK) reset

kafka: ## Fetch Apache Kafka into .tools/kafka (KAFKA_MIRROR=… names another server)
	@eng/make/kafka.sh

clean: ## Remove what was built
	@find . -type d \( -name bin -o -name obj \) -not -path './.git/*' -not -path './node_modules/*' -prune -exec rm -rf {} +
	@if [ -d artifacts ]; then find artifacts -mindepth 1 -maxdepth 1 -not -name run -exec rm -rf {} +; fi
	@echo "removed what was built; data are removed by make reset"

lock: ## Write the lock files of the packages (eng/locks), from which CI restores
	@FactoryLock=true dotnet restore FactoryMonitoring.sln --force-evaluate

test: ## Run all tests
	@eng/test.sh

test-quick: ## Run the unit tests, and the data tests of the core
	@eng/test-quick.sh

coverage: ## Print what share of the lines the tests run: PROJECTS="Unit Data"
	@eng/coverage.sh $(call each_quoted,$(PROJECTS))

torture: ## Random faults on real brokers, and the account afterwards: MINUTES=10 SEED=…
	@TORTURE_MINUTES=$(call quoted,$(or $(MINUTES),10)) TORTURE_SEED=$(call quoted,$(SEED)) dotnet test tests/FactoryMonitoring.Tests.Stack --filter FullyQualifiedName~Torture \
	  --logger 'console;verbosity=detailed'

pictures: ## Run all experiments, and put pictures and what was measured into the docs (20 minutes, on a machine that does nothing else)
	@PICTURES=1 dotnet test tests/FactoryMonitoring.Tests.Stack --filter FullyQualifiedName~PageTests

bench: ## Measure ingest, latency and API; writes artifacts/bench.json
	@dotnet run -c Release --project benchmarks/FactoryMonitoring.Benchmarks -- $(call each_quoted,$(ARGS))

include $(wildcard eng/make/*.mk)
