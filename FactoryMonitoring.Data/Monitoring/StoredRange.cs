using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>A range of time: the last <paramref name="Length"/> by the database's clock, or from one time to another.</summary>
/// <param name="From">Null for a range that ends now.</param>
/// <param name="To">Null for a range that ends now.</param>
public readonly record struct StoredRange(TimeSpan Length, DateTimeOffset? From = null, DateTimeOffset? To = null)
{
    public static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan Longest = TimeSpan.FromDays(31);

    /// <summary>The beginning in SQL, where the range is the parameters from <paramref name="first"/> on.</summary>
    internal static string Since(int first) => $"COALESCE(${first}, CURRENT_TIMESTAMP - ${first + 2})";

    /// <summary>The end in SQL, where the range is the parameters from <paramref name="first"/> on.</summary>
    internal static string Until(int first) => $"COALESCE(${first + 1}, CURRENT_TIMESTAMP)";

    /// <summary>Adds the range as the next three parameters.</summary>
    internal void AddTo(NpgsqlParameterCollection parameters)
    {
        parameters.Add(Parameters.Timestamp(From));
        parameters.Add(Parameters.Timestamp(To));
        parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Length });
    }
}
