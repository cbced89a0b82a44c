using System.Text.Json.Serialization.Metadata;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Queries;

/// <summary>
/// Answers that are not part of the snapshot: asked for once a second at most, however many clients ask, and a few at a time. While the
/// database is away the last answer to the same question is served, marked stale.
/// </summary>
internal sealed class QueryCache(TimeProvider time) : IDisposable
{
    private const int Kept = 256;
    private const int AtOnce = 6;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _slots = new(AtOnce);

    /// <param name="key">The question.</param>
    /// <param name="read">Its answer; null where there is no such thing.</param>
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

        // The question goes on for whoever else asks it, also when this client leaves.
        var answer = await entry.Task;
        return answer switch
        {
            null => SnapshotResults.NotYet(response),
            { Body: null } => TypedResults.Problem("There is no such thing.", statusCode: StatusCodes.Status404NotFound, title: "Not Found"),
            { Body: { } body } => new BodyResult(body, time.GetElapsedTime(answer.ReadAt), answer.Stale),
        };
    }

    public void Dispose() => _slots.Dispose();

    private async Task<Answer?> AskAsync<T>(Entry? before, JsonTypeInfo<T> type, Func<CancellationToken, Task<T?>> read)
        where T : class
    {
        // Leaves the lock before anything is asked.
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
            // The snapshot's worker says so once.
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

    /// <param name="Body">Null where there is no such thing.</param>
    private sealed record Answer(Body? Body, long ReadAt, bool Stale);
}
