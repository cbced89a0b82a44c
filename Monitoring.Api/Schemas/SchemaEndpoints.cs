using Microsoft.Net.Http.Headers;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoint for the JSON Schema of the messages that the topic of readings accepts, for producers and their tools.</summary>
internal static class SchemaEndpoints
{
    private const string Type = "application/schema+json";

    public static void MapSchemas(this IEndpointRouteBuilder api)
    {
        var schema = Read("reading.json");
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(schema).AsSpan(0, 8))}\"");
        api.MapGet("/schemas/reading.json", () => TypedResults.Bytes(schema, Type, entityTag: tag))
            .WithName("GetReadingSchema")
            .WithSummary("JSON Schema of a reading, as a producer sends it")
            .Produces(StatusCodes.Status200OK, contentType: Type)
            .Produces(StatusCodes.Status304NotModified);
    }

    private static byte[] Read(string name)
    {
        using var resource = typeof(SchemaEndpoints).Assembly.GetManifestResourceStream(name)!;
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }
}
