using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.FaultLab.Control;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints for single faults, which the page requests; they are forwarded to the AppHost's control endpoint.</summary>
internal static class CommandEndpoints
{
    public static void MapCommands(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(LabRoutes.Resources, ResourcesAsync);
        endpoints.MapPost(LabRoutes.Commands, SendAsync);
    }

    private static async Task<IResult> ResourcesAsync(ControlClient control, CancellationToken cancellationToken) =>
        await control.ResourcesAsync(cancellationToken) is { } resources
            ? TypedResults.Json(resources, ControlJson.Context.IReadOnlyListResourceBody)
            : TypedResults.Problem("The control endpoint of the AppHost does not answer.", statusCode: StatusCodes.Status503ServiceUnavailable, title: "No AppHost");

    private static async Task<IResult> SendAsync(HttpRequest request, ControlClient control, CancellationToken cancellationToken)
    {
        using var body = new StreamReader(request.Body);
        if (ControlCommand.Read(await body.ReadToEndAsync(cancellationToken)) is var (command, problem) && command is null)
        {
            return Answer(StatusCodes.Status400BadRequest, problem!);
        }

        try
        {
            return TypedResults.Json(await control.SendAsync(command, Requester.Of(request), cancellationToken), ControlJson.Context.CommandAnswer);
        }
        catch (ControlException refused)
        {
            return refused.Status is { } status
                ? Answer((int)status, refused.Answer)
                : Answer(StatusCodes.Status503ServiceUnavailable, $"the AppHost did not answer: {refused.Answer}");
        }
    }

    private static JsonHttpResult<CommandAnswer> Answer(int status, string message) => TypedResults.Json(new CommandAnswer(message), ControlJson.Context.CommandAnswer, statusCode: status);
}
