namespace Microsoft.AspNetCore.Builder;

internal static class QueryEndpointExtensions
{
    /// <summary>Names and describes an endpoint that answers with <typeparamref name="T"/>, or with a problem.</summary>
    public static RouteHandlerBuilder Describe<T>(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .Produces<T>()
        .Produces(StatusCodes.Status304NotModified)
        .ProducesValidationProblem()
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
}
