using System.Text;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>The append-only log of who did what.</summary>
public sealed class AuditStore(NpgsqlDataSource dataSource)
{
    private const int MostCharacters = 1000;

    private const string Insert = "INSERT INTO audit_log (at, who, role, address, act, done, result) VALUES ($1, $2, $3, $4, $5, $6, $7)";

    private const string Newest = """
        SELECT id, at, who, role, address, act, done, result FROM audit_log WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
        """;

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entry);
        await using var command = dataSource.CreateCommand(Insert);
        command.Parameters.Add(Parameters.Timestamp(entry.At));
        command.Parameters.Add(Parameters.Text(Short(entry.Who, 255)));
        command.Parameters.Add(Parameters.Text(entry.Role is { } role ? WireName.Of(role) : null));
        command.Parameters.Add(Parameters.Text(entry.Address is { } address ? Short(address, 64) : null));
        command.Parameters.Add(Parameters.Text(Short(entry.Act, MostCharacters)));
        command.Parameters.Add(Parameters.Flag(entry.Done));
        command.Parameters.Add(Parameters.Text(Short(entry.Result, MostCharacters)));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Reads a page of entries, newest first.</summary>
    /// <param name="before">Only entries with a lower id.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<AuditEntry>> ListAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Newest);
        command.Parameters.Add(Parameters.Count(before));
        command.Parameters.Add(Parameters.Integer(limit));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(
            row => new AuditEntry(
                row.GetInt64(0), row.Timestamp(1), row.GetString(2), row.Text(3) is { } role ? WireName.Parse<FactoryRole>(role) : null, row.Text(4), row.GetString(5), row.GetBoolean(6),
                row.GetString(7)),
            cancellationToken);
    }

    // The requester supplies part of the text. Characters that PostgreSQL's text cannot contain, and other control characters, become �.
    private static string Short(string text, int most)
    {
        var shortened = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shortened.Length + rune.Utf16SequenceLength > most) break;
            shortened.Append(Rune.IsControl(rune) ? Rune.ReplacementChar : rune);
        }

        return shortened.ToString();
    }
}
