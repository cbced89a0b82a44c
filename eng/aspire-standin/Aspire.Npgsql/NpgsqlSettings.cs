namespace Aspire.Npgsql;

/// <summary>What section <c>Aspire:Npgsql</c> and the callback of AddNpgsqlDataSource may set.</summary>
public class NpgsqlSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }

    public bool DisableTracing { get; set; }

    public bool DisableMetrics { get; set; }
}
