using Microsoft.AspNetCore.Http;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>How the control endpoint answers: in JSON, or in lines of text to those who accept <c>text/plain</c>.</summary>
internal static class Answers
{
    public const string Text = "text/plain; charset=utf-8";

    /// <param name="at">When what was asked for began; null where nothing did.</param>
    public static IResult Line(HttpRequest request, int status, string message, DateTimeOffset? at = null) =>
        WantsText(request) ? Results.Text(message + "\n", Text, statusCode: status) : Results.Json(new { message, at }, statusCode: status);

    /// <summary>A body, or its sense in one line.</summary>
    public static IResult Body<T>(HttpRequest request, T body, string line, int status = StatusCodes.Status200OK) =>
        WantsText(request) ? Results.Text(line + "\n", Text, statusCode: status) : Results.Json(body, statusCode: status);

    public static bool WantsText(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/plain", StringComparison.OrdinalIgnoreCase);
}
