using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>What resources have written, the last 10,000 lines of each instance, and what is logged about them.</summary>
public sealed class ResourceLoggerService : IDisposable
{
    private const int Capacity = 10_000;
    private readonly ConcurrentDictionary<string, Backlog> _backlogs = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, IResource> _resources = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where lines go as well, for tests; the first argument is the name of the resource.</summary>
    internal Action<string, LogLine>? Forward { get; set; }

    public ILogger GetLogger(IResource resource)
    {
        _resources[resource.Name] = resource;
        return new ResourceLogger(this, resource.InstanceIds);
    }

    public ILogger GetLogger(string resourceName) => new ResourceLogger(this, () => Ids(resourceName));

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource) => WatchAsync(resource.InstanceIds()[0]);

    /// <summary>The lines kept so far, then each as it comes, until the resource's log is completed.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => Of(Ids(resourceName)[0]).ReadAsync(follow: true);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource) => GetAllAsync(resource.InstanceIds()[0]);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName) => Of(Ids(resourceName)[0]).ReadAsync(follow: false);

    public void Complete(IResource resource)
    {
        foreach (var id in resource.InstanceIds())
            Complete(id);
    }

    public void Complete(string name) => Of(name).Complete();

    public void Dispose()
    {
        foreach (var backlog in _backlogs.Values)
            backlog.Complete();
    }

    internal void Append(string resourceId, string text, bool isError)
    {
        var line = Of(resourceId).Append(
            $"{DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffK", CultureInfo.InvariantCulture)} {text}", isError);
        Forward?.Invoke(resourceId, line);
    }

    internal void Register(IResource resource) => _resources[resource.Name] = resource;

    private IReadOnlyList<string> Ids(string name) => _resources.TryGetValue(name, out var resource) ? resource.InstanceIds() : [name];

    private Backlog Of(string id) => _backlogs.GetOrAdd(id, _ => new Backlog());

    private sealed class Backlog
    {
        private readonly Lock _lock = new();
        private readonly Queue<LogLine> _lines = [];
        private readonly List<ChannelWriter<LogLine>> _readers = [];
        private int _count;

        public LogLine Append(string content, bool isError)
        {
            lock (_lock)
            {
                LogLine line = new(++_count, content, isError);
                _lines.Enqueue(line);
                if (_lines.Count > Capacity)
                    _lines.Dequeue();
                foreach (var reader in _readers)
                    reader.TryWrite(line);
                return line;
            }
        }

        public void Complete()
        {
            lock (_lock)
            {
                foreach (var reader in _readers)
                    reader.TryComplete();
                _readers.Clear();
            }
        }

        public async IAsyncEnumerable<IReadOnlyList<LogLine>> ReadAsync(
            bool follow, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            var channel = Channel.CreateUnbounded<LogLine>();
            lock (_lock)
            {
                foreach (var line in _lines)
                    channel.Writer.TryWrite(line);
                if (follow)
                    _readers.Add(channel.Writer);
                else
                    channel.Writer.Complete();
            }
            try
            {
                List<LogLine> batch = [];
                while (await channel.Reader.WaitToReadAsync(cancellationToken))
                {
                    while (channel.Reader.TryRead(out var line))
                        batch.Add(line);
                    yield return batch;
                    batch = [];
                }
            }
            finally
            {
                lock (_lock)
                    _readers.Remove(channel.Writer);
            }
        }
    }

    private sealed class ResourceLogger(ResourceLoggerService service, Func<IReadOnlyList<string>> ids) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var text = formatter(state, exception) + (exception is null ? "" : $"{Environment.NewLine}{exception}");
            foreach (var id in ids())
                foreach (var line in text.Split('\n'))
                    service.Append(id, line.TrimEnd('\r'), logLevel >= LogLevel.Error);
        }
    }
}
