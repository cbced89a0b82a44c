using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>How the control endpoint answers: in JSON, or in lines of text to those who accept <c>text/plain</c>.</summary>
internal static class Answers
{
    public const string Text = "text/plain; charset=utf-8";

    /// <param name="at">When what was asked for began; null where nothing did.</param>
    public static IResult Line(HttpRequest request, int status, string message, DateTimeOffset? at = null) => Command(request, new(message, at), status);

    /// <summary>What became of a command.</summary>
    public static IResult Command(HttpRequest request, CommandAnswer answer, int status = StatusCodes.Status200OK) =>
        Body(request, answer, ControlJson.Context.CommandAnswer, answer.Message, status);

    /// <summary>A body, or its sense in lines.</summary>
    public static IResult Body<T>(HttpRequest request, T body, JsonTypeInfo<T> type, string lines, int status = StatusCodes.Status200OK) =>
        WantsText(request) ? Results.Text(lines + "\n", Text, statusCode: status) : Results.Json(body, type, statusCode: status);

    private static bool WantsText(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/plain", StringComparison.OrdinalIgnoreCase);
}
