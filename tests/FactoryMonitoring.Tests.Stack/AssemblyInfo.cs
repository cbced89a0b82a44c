// Stacks are large and recovery times are asserted: run one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
