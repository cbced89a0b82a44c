using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>The inputs of a plan besides the batch and the leases.</summary>
/// <param name="Now">By the lane's <see cref="WorkingTime"/>.</param>
/// <param name="KeyValidity">The validity of the sensor keys in the rows.</param>
/// <param name="IsDue">The plan includes what <see cref="DueWork"/> writes periodically.</param>
/// <param name="IsLast">A lease ends, so the plan includes all of that, even a snapshot that is not due.</param>
/// <param name="Announces">The transaction notifies listeners of its commit.</param>
internal readonly record struct PlanTerms(TimeSpan Now, long KeyValidity, bool IsDue, bool IsLast, bool Announces);

/// <summary>The writes of a batch.</summary>
/// <param name="Writes">One transaction for each log: one, except at the end of a log.</param>
/// <param name="Unjudged">Readings to which no rule was applied.</param>
internal sealed record WritePlan(IReadOnlyList<IngestWrite> Writes, int Unjudged);
