namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>The database's clock, carried on by this process's monotonic one: no clock of this machine says who is alive.</summary>
/// <param name="Time">What the database said.</param>
/// <param name="Timestamp">When it said it, by <see cref="TimeProvider.GetTimestamp"/>.</param>
internal readonly record struct DatabaseClock(DateTimeOffset Time, long Timestamp)
{
    public DateTimeOffset At(long timestamp, TimeProvider time) => Time + time.GetElapsedTime(Timestamp, timestamp);

    public long TimestampAt(DateTimeOffset at, TimeProvider time) => Timestamp + (long)((at - Time).TotalSeconds * time.TimestampFrequency);
}
