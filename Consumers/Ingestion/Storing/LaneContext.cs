using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Objects shared by the lanes of a consumer.</summary>
internal sealed record LaneContext(
    NpgsqlDataSource DataSource,
    ConsumerIdentity Identity,
    DictionaryStore Dictionaries,
    ReadingPartitions Days,
    DetectionRules Rules,
    ConsumersOptions Options,
    ConsumerStatus Status,
    ConsumerMetrics Metrics,
    TimeProvider Time,
    Action<LaneEvent> Post,
    Action OutboxFilled,
    ILogger Logger);
