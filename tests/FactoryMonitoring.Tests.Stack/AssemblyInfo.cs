// Stacks are large and recovery times are asserted: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
