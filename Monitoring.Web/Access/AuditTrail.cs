using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>
/// Records who signed in and out, and what was refused before it reached the fault lab, which records the rest. Whoever repeats what is refused fills no
/// table: the same is recorded once a minute, and of everything at most <see cref="MostPerMinute"/>, with the number of what was left out.
/// </summary>
/// <param name="databases">Where none is set, entries are only logged.</param>
internal sealed partial class AuditTrail(AuditQueue queue, IEnumerable<NpgsqlDataSource> databases, TimeProvider time, ILogger<AuditTrail> logger) : BackgroundService
{
    internal const int MostPerMinute = 100;

    private readonly NpgsqlDataSource? _database = databases.SingleOrDefault();
    private readonly Lock _gate = new();
    private readonly HashSet<(string, string?, string, string)> _thisMinute = [];
    private DateTimeOffset _minute;
    private int _leftOut;

    public void Add(Visitor visitor, string act, bool done, string result)
    {
        var at = time.GetUtcNow();
        lock (_gate)
        {
            if (at - _minute >= TimeSpan.FromMinutes(1))
            {
                if (_leftOut > 0) Write(new(0, at, Visitor.Nobody.Name, null, null, "other requests", false, $"{_leftOut} more since {_minute:u}"));
                (_minute, _leftOut) = (at, 0);
                _thisMinute.Clear();
            }

            // Of those who sign in, each counts.
            if (!done && _thisMinute.Contains((visitor.Name, visitor.Address, act, result))) return;
            if (_thisMinute.Count >= MostPerMinute && !done)
            {
                _leftOut++;
                return;
            }

            _thisMinute.Add((visitor.Name, visitor.Address, act, result));
            Write(new(0, at, visitor.Name, visitor.Role, visitor.Address, act, done, result));
        }
    }

    /// <summary>A request that was refused, unless it would have changed nothing and bears no key.</summary>
    public void AddRefused(HttpContext context, string reason)
    {
        var request = context.Request;
        if ((HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && !VisitorHandler.BearsKey(request)) return;
        Add(context.User.ToVisitor() with { Address = VisitorClaims.AddressOf(context) }, $"{request.Method} {request.Path.ToUriComponent()}", false, reason);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _database is null ? Task.CompletedTask : queue.RunAsync(_database, stoppingToken);

    private void Write(AuditEntry entry)
    {
        Log.Entry(logger, entry.Who, entry.Address, entry.Act, entry.Result);
        if (_database is not null) queue.Add(entry);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Who} from {Address}: {Act}: {Result}")]
        public static partial void Entry(ILogger logger, string who, string? address, string act, string result);
    }
}
