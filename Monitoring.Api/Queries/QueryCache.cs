using System.Text.Json.Serialization.Metadata;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Queries;

/// <summary>
/// Caches answers that are not part of the snapshot: each query runs at most once a second, however many clients ask, and few run at a time. While the
/// database is unavailable, the last answer to the same query is served, marked as stale.
/// </summary>
internal sealed class QueryCache(TimeProvider time) : IDisposable
{
    private const int Kept = 256;
    private const int AtOnce = 6;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _slots = new(AtOnce);

    /// <param name="key">Identifies the query.</param>
    /// <param name="read">Runs the query; returns null if the item does not exist.</param>
    public async Task<IResult> ServeAsync<T>(string key, HttpResponse response, JsonTypeInfo<T> type, Func<CancellationToken, Task<T?>> read)
        where T : class
    {
        Entry entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out entry!) || (entry.Task.IsCompleted && time.GetElapsedTime(entry.AskedAt) >= Fresh))
            {
                var before = entry;
                entry = new(time.GetTimestamp(), AskAsync(before, type, read));
                _entries[key] = entry;
                if (_entries.Count > Kept)
                {
                    Forget();
                }
            }
        }

        // The query continues for other clients, even if this client disconnects.
        var answer = await entry.Task;
        return answer switch
        {
            null => SnapshotResults.NotYet(response),
            { Body: null } => TypedResults.Problem("No such item.", statusCode: StatusCodes.Status404NotFound, title: "Not Found"),
            { Body: { } body } => new BodyResult(body, time.GetElapsedTime(answer.ReadAt), answer.Stale),
        };
    }

    public void Dispose() => _slots.Dispose();

    private async Task<Answer?> AskAsync<T>(Entry? before, JsonTypeInfo<T> type, Func<CancellationToken, Task<T?>> read)
        where T : class
    {
        // Leaves the lock before the query runs.
        await Task.Yield();
        await _slots.WaitAsync();
        try
        {
            var asked = time.GetTimestamp();
            var value = await read(CancellationToken.None);
            return new(value is null ? null : new Body<T>(value, type), asked, false);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            // SnapshotWorker logs the outage once.
            return before is not null && await before.Task is { } last ? last with { Stale = true } : null;
        }
        finally
        {
            _slots.Release();
        }
    }

    private void Forget()
    {
        foreach (var (key, _) in _entries.Where(pair => pair.Value.Task.IsCompleted).OrderBy(pair => pair.Value.AskedAt).Take(Kept / 2).ToList())
        {
            _entries.Remove(key);
        }
    }

    private sealed record Entry(long AskedAt, Task<Answer?> Task);

    /// <param name="Body">Null if the item does not exist.</param>
    private sealed record Answer(Body? Body, long ReadAt, bool Stale);
}
