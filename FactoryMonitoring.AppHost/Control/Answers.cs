using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Formats the answers of the control endpoint: JSON, or lines of text for clients that accept <c>text/plain</c>.</summary>
internal static class Answers
{
    public const string Text = "text/plain; charset=utf-8";

    /// <param name="at">When the requested action began; null if there was none.</param>
    public static IResult Line(HttpRequest request, int status, string message, DateTimeOffset? at = null) => Command(request, new(message, at), status);

    /// <summary>Returns the result of a command.</summary>
    public static IResult Command(HttpRequest request, CommandAnswer answer, int status = StatusCodes.Status200OK) =>
        Body(request, answer, ControlJson.Context.CommandAnswer, answer.Message, status);

    /// <summary>Returns a body as JSON, or the given lines that say the same.</summary>
    public static IResult Body<T>(HttpRequest request, T body, JsonTypeInfo<T> type, string lines, int status = StatusCodes.Status200OK) =>
        WantsText(request) ? Results.Text(lines + "\n", Text, statusCode: status) : Results.Json(body, type, statusCode: status);

    private static bool WantsText(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/plain", StringComparison.OrdinalIgnoreCase);
}
