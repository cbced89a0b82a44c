namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>The database's clock, extrapolated by this process's monotonic clock: no clock of this machine decides which components are alive.</summary>
/// <param name="Time">The time that the database returned.</param>
/// <param name="Timestamp">When the database returned it, by <see cref="TimeProvider.GetTimestamp"/>.</param>
internal readonly record struct DatabaseClock(DateTimeOffset Time, long Timestamp)
{
    public DateTimeOffset At(long timestamp, TimeProvider time) => Time + time.GetElapsedTime(Timestamp, timestamp);

    public long TimestampAt(DateTimeOffset at, TimeProvider time) => Timestamp + (long)((at - Time).TotalSeconds * time.TimestampFrequency);
}
