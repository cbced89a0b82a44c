using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>The integer key of this consumer in its readings. Requested once, and retried while the database is unavailable.</summary>
internal sealed partial class ConsumerKey(DictionaryStore dictionaries, ConsumerIdentity identity, TimeProvider time, ILogger<ConsumerKey> logger) : IDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim _lock = new(1);
    private int _key;

    public void Dispose() => _lock.Dispose();

    public async Task<int> GetAsync(CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            var outage = new OutageReport(time);
            while (_key == 0)
            {
                try
                {
                    _key = await dictionaries.ConsumerKeyAsync(identity.ConsumerId, cancellationToken);
                }
                catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
                {
                    Log.Away(logger, outage.Failed(), exception.Message);
                    await Task.Delay(RetryDelay, time, cancellationToken);
                }
            }

            return _key;
        }
        finally
        {
            _lock.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Message = "Cannot reach the database, retrying: {Reason}")]
        public static partial void Away(ILogger logger, LogLevel level, string reason);
    }
}
