// Stacks and a browser share the machine.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
