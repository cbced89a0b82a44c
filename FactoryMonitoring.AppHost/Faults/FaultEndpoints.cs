using System.Globalization;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>What may be broken, and how things stand.</summary>
/// <param name="Reason">Why nothing may; null when it may.</param>
internal sealed record FaultsBody(bool Enabled, string? Reason, string Kafka, int Consumers, int MaxConsumers, IReadOnlyList<LinkBody> Links, LoadBody Load);

/// <summary>What the control endpoint offers of faults, beside the commands of single resources. Only where <c>Factory:Faults</c> allows it.</summary>
internal static class FaultEndpoints
{
    private const string Reason = $"{FactorySettings.FaultsKey} is false: faults are off; set it to true to allow them (never in Production)";

    public static void MapFaults(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/faults", Look);
        var faults = endpoints.MapGroup("").AddEndpointFilter(RefuseWhereOffAsync);
        faults.MapPost("/scale", ScaleAsync);
        faults.MapPost("/poison", PoisonAsync);
        faults.MapPost("/load", StartLoad);
        faults.MapGet("/load", LookAtLoad);
        faults.MapPost("/rolling-restart", RestartAsync);
        faults.MapPost("/link/{name}", ChangeLinkAsync);
        faults.MapGet("/link", LookAtLinks);
    }

    /// <summary>The answer where faults are off.</summary>
    public static IResult Refusal(HttpRequest request) => Answers.Line(request, StatusCodes.Status403Forbidden, Reason);

    private static async ValueTask<object?> RefuseWhereOffAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.HttpContext.RequestServices.GetService(typeof(FactorySetup)) is FactorySetup { Settings.Faults: true } ? await next(context) : Refusal(context.HttpContext.Request);

    private static IResult Look(HttpRequest request, FactorySetup setup, ConsumerScale scale, Links links, LoadBurst load)
    {
        var body = new FaultsBody(
            setup.Settings.Faults, setup.Settings.Faults ? null : Reason, setup.Kafka.Backing.ToString().ToLowerInvariant(), scale.Running(), scale.Most, links.Look(), load.Look());
        return Answers.Body(request, body, string.Create(CultureInfo.InvariantCulture, $"{body.Reason ?? "faults are on"}; {body.Consumers} consumers of {body.MaxConsumers} run; {body.Load}"));
    }

    private static async Task<IResult> ScaleAsync(HttpRequest request, ConsumerScale scale, TimeProvider time, string? by, string? consumers, CancellationToken cancellationToken = default)
    {
        if (!IsCount(consumers, scale.Most, out var wanted))
            return Answers.Line(request, StatusCodes.Status400BadRequest, $"consumers={consumers} is not allowed: a whole number from 1 to {scale.Most} (Factory:MaxConsumers) is");
        var at = time.GetUtcNow();
        var problems = await scale.ChangeAsync(wanted, by ?? "control", cancellationToken);
        return problems.Count == 0
            ? Answers.Line(request, StatusCodes.Status200OK, $"{wanted} consumers run", at)
            : Answers.Line(request, StatusCodes.Status409Conflict, string.Join("; ", problems));
    }

    private static async Task<IResult> PoisonAsync(HttpRequest request, PoisonMessages poison, string? count, CancellationToken cancellationToken = default)
    {
        if (!IsCount(count, PoisonMessages.Most, out var wanted))
            return Answers.Line(request, StatusCodes.Status400BadRequest, $"count={count} is not allowed: a whole number from 1 to {PoisonMessages.Most} is");
        var body = await poison.ProduceAsync(wanted, cancellationToken);
        return Answers.Body(request, body, body.Message, body.Acknowledged == wanted ? StatusCodes.Status200OK : StatusCodes.Status409Conflict);
    }

    private static IResult StartLoad(HttpRequest request, LoadBurst load, string? readingsPerSecond, string? seconds)
    {
        if (!IsCount(readingsPerSecond, LoadBurst.MostPerSecond, out var rate))
            return Answers.Line(request, StatusCodes.Status400BadRequest, $"readingsPerSecond={readingsPerSecond} is not allowed: a whole number from 1 to {LoadBurst.MostPerSecond} is");
        if (!IsCount(seconds, LoadBurst.MostSeconds, out var duration))
            return Answers.Line(request, StatusCodes.Status400BadRequest, $"seconds={seconds} is not allowed: a whole number from 1 to {LoadBurst.MostSeconds} is");
        return load.Start(rate, duration) is { } body
            ? Answers.Body(request, body, string.Create(CultureInfo.InvariantCulture, $"{body.ToSend} readings will be sent, {rate} a second for {duration} s"))
            : Answers.Line(request, StatusCodes.Status409Conflict, load.Look().ToString());
    }

    private static bool IsCount(string? text, int most, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count >= 1 && count <= most;

    private static IResult LookAtLoad(HttpRequest request, LoadBurst load)
    {
        var body = load.Look();
        return Answers.Body(request, body, body.ToString());
    }

    private static async Task<IResult> ChangeLinkAsync(HttpRequest request, Links links, FactorySetup setup, TimeProvider time, string name, string action = "", string delayMs = "200")
    {
        if (links.Find(name) is not { } link)
        {
            return name.Equals("kafka", StringComparison.OrdinalIgnoreCase) && setup.Kafka.Backing == KafkaBacking.Embedded
                ? Answers.Line(request, StatusCodes.Status409Conflict, "the embedded broker has no listener for a link: run the brokers as processes or containers (Factory:Kafka)")
                : Answers.Line(request, StatusCodes.Status404NotFound, $"there is no link {name}: {string.Join(", ", links.Look().Select(one => one.Name))}");
        }
        if (!Links.Actions.Contains(action, StringComparer.OrdinalIgnoreCase))
            return Answers.Line(request, StatusCodes.Status400BadRequest, $"action={action} is not allowed: {string.Join(", ", Links.Actions)} are");
        if (!IsCount(delayMs, (int)Link.LongestDelay.TotalMilliseconds, out var delay))
            return Answers.Line(request, StatusCodes.Status400BadRequest, $"delayMs={delayMs} is not allowed: a whole number from 1 to {Link.LongestDelay.TotalMilliseconds:F0} is");
        var at = time.GetUtcNow();
        await links.ChangeAsync(link, action, TimeSpan.FromMilliseconds(delay));
        return Answers.Line(request, StatusCodes.Status200OK, Sentence(new(link.Link.Name, link.Link.State, link.Link.Delay.TotalMilliseconds, link.Link.Connections)), at);
    }

    private static IResult LookAtLinks(HttpRequest request, Links links)
    {
        var bodies = links.Look();
        return Answers.Body(request, bodies, string.Join(Environment.NewLine, bodies.Select(Sentence)));
    }

    private static string Sentence(LinkBody link) => string.Create(
        CultureInfo.InvariantCulture,
        $"the {link.Name} link is {(link.State == LinkState.Slow ? $"slow ({link.DelayMs:F0} ms each way)" : link.State == LinkState.Cut ? "cut" : "up")}, {link.Connections} connections");

    private static async Task<IResult> RestartAsync(HttpRequest request, RollingRestart restart, TimeProvider time, string? by, CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        return await restart.RunAsync(by ?? "control", cancellationToken) is { } problem
            ? Answers.Line(request, StatusCodes.Status409Conflict, problem)
            : Answers.Line(request, StatusCodes.Status200OK, "every broker was restarted and is whole again", at);
    }
}
