using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>
/// Records sign-ins and sign-outs, and requests that were refused before they reached the fault lab, which records the rest. Repeated refusals do not fill the
/// table: the same refusal is recorded once a minute, and at most <see cref="MostPerMinute"/> of all, with the number of those that were left out.
/// </summary>
/// <param name="databases">The database; if none is set, entries are only logged.</param>
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

            // Every sign-in is recorded, even a repeated one.
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

    /// <summary>Records a refused request, unless it would have changed nothing and has no key.</summary>
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
