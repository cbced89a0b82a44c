namespace FactoryMonitoring.Monitoring.Web;

/// <summary>The time range that all pages share: <c>window</c> in the address.</summary>
internal static class TimeRange
{
    public const string Name = "window";

    /// <summary>Those that every page can show.</summary>
    public static readonly (string Value, string Words)[] Choices = [("5m", "5 min"), ("15m", "15 min"), ("1h", "1 h"), ("2h", "2 h"), ("24h", "24 h")];

    /// <summary>A range of an address that the page has, else the one it has without.</summary>
    public static string Of(string? asked, string usual) => Choices.Any(choice => choice.Value == asked) ? asked! : usual;

    public static TimeSpan Span(string range) => range switch
    {
        "15m" => TimeSpan.FromMinutes(15),
        "1h" => TimeSpan.FromHours(1),
        "2h" => TimeSpan.FromHours(2),
        "24h" => TimeSpan.FromHours(24),
        _ => TimeSpan.FromMinutes(5),
    };

    /// <summary>The address of another page with the range of this one.</summary>
    public static string Keep(string path, string address)
    {
        var query = new Uri(address).Query.TrimStart('?').Split('&');
        return query.FirstOrDefault(part => part.StartsWith($"{Name}=", StringComparison.Ordinal)) is { } range ? $"{path}?{range}" : path;
    }
}
