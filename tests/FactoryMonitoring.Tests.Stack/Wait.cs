using System.Diagnostics;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>Waits for conditions, never for a fixed time.</summary>
internal static class Wait
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Polls until the answer satisfies the condition; an error counts as an unsatisfying answer.</summary>
    /// <returns>The time that it took.</returns>
    /// <exception cref="TimeoutException">The limit has passed; the message has the last answer or error.</exception>
    public static async Task<TimeSpan> ForAsync<T>(string what, TimeSpan limit, Func<CancellationToken, Task<T>> ask, Func<T, bool> satisfies)
    {
        using var timeout = new CancellationTokenSource(limit);
        using var timer = new PeriodicTimer(Interval);
        var watch = Stopwatch.StartNew();
        object? last = null;
        while (true)
        {
            try
            {
                var answer = await ask(timeout.Token);
                if (satisfies(answer))
                {
                    return watch.Elapsed;
                }

                last = answer;
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                last = exception is OperationCanceledException && last is not null ? last : exception;
            }

            if (timeout.IsCancellationRequested || !await NextAsync(timer, timeout.Token))
            {
                throw new TimeoutException($"{what}: not within {limit.TotalSeconds:0.#} s; last: {Told(last)}");
            }
        }
    }

    /// <summary>Polls until there is an answer; retries after an error.</summary>
    /// <exception cref="TimeoutException">The limit has passed; the message has the last error.</exception>
    public static async Task<T> AnswerAsync<T>(string what, TimeSpan limit, Func<CancellationToken, Task<T>> ask)
    {
        T? answer = default;
        await ForAsync(what, limit, async token => answer = await ask(token), _ => true);
        return answer!;
    }

    private static object? Told(object? answer) => answer is System.Collections.IEnumerable and not string and not System.Text.Json.Nodes.JsonNode
        ? System.Text.Json.JsonSerializer.Serialize(answer)
        : answer;

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
