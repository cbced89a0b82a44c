using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>What a plan rests on besides the batch and the leases.</summary>
/// <param name="Now">By the lane's <see cref="WorkingTime"/>.</param>
/// <param name="KeyValidity">In which keys of sensors hold that rows are written with.</param>
/// <param name="IsDue">The plan includes what <see cref="DueWork"/> writes from time to time.</param>
/// <param name="IsLast">A lease ends, so the plan includes all of that, even a snapshot whose time has not come.</param>
/// <param name="Announces">The transaction notifies those who listen for commits.</param>
internal readonly record struct PlanTerms(TimeSpan Now, long KeyValidity, bool IsDue, bool IsLast, bool Announces);

/// <summary>What is to be written of a batch.</summary>
/// <param name="Writes">One transaction for each log, which is one but for the end of a log.</param>
/// <param name="Unjudged">Readings to which no rule was applied.</param>
internal sealed record WritePlan(IReadOnlyList<IngestWrite> Writes, int Unjudged);
