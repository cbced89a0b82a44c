using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace FactoryMonitoring.Benchmarks.Servers;

/// <summary>A PostgreSQL of the benchmark, with the settings of the stack; durable.</summary>
internal sealed class Postgres : IAsyncDisposable
{
    private const string User = "factory_user";
    private const string Database = "factory_monitoring";

    private static readonly string[] Settings =
    [
        "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=256MB", "wal_level=minimal", "max_wal_senders=0",
        "wal_compression=on", "max_wal_size=2GB", "checkpoint_timeout=10min", "timezone=UTC",
    ];

    private readonly string _directory;
    private readonly string _binaries;
    private bool _isStopped;

    private Postgres(string directory, string binaries, int port)
    {
        (_directory, _binaries) = (directory, binaries);
        ConnectionString = new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = port, Username = User, Database = Database, CommandTimeout = 120 }.ConnectionString;
        DataSource = NpgsqlDataSource.Create(ConnectionString);
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource DataSource { get; }

    public static async Task<Postgres> StartAsync(string directory)
    {
        var binaries = Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(name => name, StringComparer.Ordinal).Select(name => Path.Combine(name, "bin")).First();
        var port = Brokers.FreePort();
        Directory.CreateDirectory(directory);
        if (Environment.UserName == "root")
        {
            Run("chown", "postgres", directory);
        }

        var postgres = new Postgres(directory, binaries, port);
        var data = Path.Combine(directory, "data");
        postgres.RunAsOwner("initdb", "-D", data, "-U", User, "-A", "trust", "-E", "UTF8");
        var options = string.Join(' ', Settings.Append($"port={port.ToString(CultureInfo.InvariantCulture)}").Select(setting => $"-c {setting}"));
        postgres.RunAsOwner("pg_ctl", "start", "-D", data, "-w", "-l", Path.Combine(directory, "log"), "-o", options);
        var maintenance = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = "postgres", Pooling = false };
        await using (var source = NpgsqlDataSource.Create(maintenance.ConnectionString))
        await using (var command = source.CreateCommand($"CREATE DATABASE {Database}"))
        {
            await command.ExecuteNonQueryAsync();
        }

        return postgres;
    }

    /// <summary>Recreates the schema, empty, with the days around today.</summary>
    public async Task ResetAsync()
    {
        await ClearAsync();
        await new MigrationRunner(DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(CancellationToken.None);
        await new ReadingPartitions(DataSource).EnsureAsync(DateOnly.FromDateTime(DateTime.UtcNow), 3, CancellationToken.None);
        await ExecuteAsync("CHECKPOINT");
    }

    /// <summary>Drops the schema.</summary>
    public async Task ClearAsync()
    {
        await ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        DataSource.Clear();
    }

    /// <summary>Returns the CPU time of the server with all its sessions.</summary>
    public double CpuSeconds() =>
        ServerProcess.CpuSecondsOfFamily(int.Parse(File.ReadLines(Path.Combine(_directory, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture));

    public async Task ExecuteAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        Stop();
    }

    public void Stop()
    {
        if (!Interlocked.Exchange(ref _isStopped, true))
        {
            RunAsOwner("pg_ctl", "stop", "-D", Path.Combine(_directory, "data"), "-m", "immediate", "-w");
        }
    }

    private void RunAsOwner(string binary, params string[] arguments)
    {
        var path = Path.Combine(_binaries, binary);
        // PostgreSQL refuses to run as root.
        if (Environment.UserName == "root")
        {
            Run("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments]);
        }
        else
        {
            Run(path, arguments);
        }
    }

    private static void Run(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1", file, .. arguments]) { WorkingDirectory = "/tmp" })!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
        }
    }
}
