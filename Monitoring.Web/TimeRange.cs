namespace FactoryMonitoring.Monitoring.Web;

/// <summary>The time range that all pages share: <c>window</c> in the address.</summary>
internal static class TimeRange
{
    public const string Name = "window";

    /// <summary>The ranges that every page can show.</summary>
    public static readonly (string Value, string Words)[] Choices = [("5m", "5 min"), ("15m", "15 min"), ("1h", "1 h"), ("2h", "2 h"), ("24h", "24 h")];

    /// <summary>Returns the range in the address if it is one of the choices, otherwise the page's default.</summary>
    public static string Of(string? asked, string usual) => Choices.Any(choice => choice.Value == asked) ? asked! : usual;

    public static TimeSpan Span(string range) => range switch
    {
        "15m" => TimeSpan.FromMinutes(15),
        "1h" => TimeSpan.FromHours(1),
        "2h" => TimeSpan.FromHours(2),
        "24h" => TimeSpan.FromHours(24),
        _ => TimeSpan.FromMinutes(5),
    };

    /// <summary>Returns the address of another page with the range of this one.</summary>
    public static string Keep(string path, string address)
    {
        var query = new Uri(address).Query.TrimStart('?').Split('&');
        return query.FirstOrDefault(part => part.StartsWith($"{Name}=", StringComparison.Ordinal)) is { } range ? $"{path}?{range}" : path;
    }
}
