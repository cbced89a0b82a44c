# Fault experiments with a verdict, as on the fault lab's page, in a terminal.

.PHONY: experiment experiments

experiment: ## Break something on purpose and judge what follows: NAME=consumer-killed
	@eng/make/experiment.sh one $(call quoted,$(or $(name),consumer-killed))

experiments: ## Run all experiments, one after the other
	@eng/make/experiment.sh all
