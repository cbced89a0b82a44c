using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace FactoryMonitoring.Tests.Data;

[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "PostgreSQL";
}

/// <summary>
/// A PostgreSQL of the tests, from the binaries of the machine, on a free port and with a data directory that is deleted with it. Tests of the collection run
/// one after the other, so that a test may stop, kill or freeze it and start it again; each test has a separate database.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private const string User = "factory_user";
    private const string Template = "factory_template";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private readonly string _binaries = FindBinaries();
    private readonly string _name = $"factory-postgres-{Guid.NewGuid():N}";
    private int _databases;
    private bool _isFrozen;

    /// <summary>The offset of its clock in libfaketime's notation ("-30d"); null for no offset.</summary>
    public string? Skew { get; init; }

    public int Port { get; } = Ports.Free();

    /// <summary>The parent of its directory, for example on a separate disk.</summary>
    public string Parent { get; init; } = Path.GetTempPath();

    /// <summary>Its log file, which is not in the data directory because that can be on a full disk.</summary>
    public string LogFile => Path.Combine(Path.GetTempPath(), $"{_name}.log");

    /// <summary>Whether it has not exited.</summary>
    public bool IsRunning => File.Exists(Path.Combine(DataDirectory, "postmaster.pid"));

    private string Home => Path.Combine(Parent, _name);

    private string DataDirectory => Path.Combine(Home, "data");

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Home);
        if (Environment.UserName == "root")
        {
            await RunAsync("chown", "postgres", Home);
        }

        await RunAsPostgresAsync("initdb", "-D", DataDirectory, "-U", User, "-A", "trust", "-E", "UTF8", "--no-sync");
        await StartAsync();
        await ExecuteAsync($"CREATE DATABASE {Template}");
        await using var template = NpgsqlDataSource.Create(ConnectionStringOf(Template) + ";Pooling=false");
        await new MigrationRunner(template, NullLogger<MigrationRunner>.Instance).ApplyAsync(CancellationToken.None, new("ingest-secret", "sensor-secret", "monitor-secret", "audit-secret"));
        await new ReadingPartitions(template).EnsureAroundTodayAsync(2, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        // It may not have started; the reason for that is what the test should report.
        if (IsRunning)
        {
            if (_isFrozen)
            {
                await ThawAsync();
            }

            await KillAsync();
        }

        Directory.Delete(Home, recursive: true);
        File.Delete(LogFile);
    }

    /// <summary>
    /// Creates an empty database with the schema and the days around today, on a server that answers whatever state the previous test left it in.
    /// </summary>
    public async Task<TestDatabase> CreateDatabaseAsync()
    {
        if (_isFrozen)
        {
            await ThawAsync();
        }

        if (!IsRunning)
        {
            await StartAsync();
        }

        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {Template} STRATEGY FILE_COPY");
        return new TestDatabase(ConnectionStringOf(name));
    }

    /// <returns>The file that <see cref="ReplaceAsync"/> restores.</returns>
    public async Task<string> BackUpAsync(TestDatabase database)
    {
        var file = Path.Combine(Home, $"{Guid.NewGuid():N}.dump");
        await RunAsPostgresAsync("pg_dump", "-h", "127.0.0.1", "-p", $"{Port}", "-U", User, "-Fc", "-f", file, NameOf(database));
        return file;
    }

    /// <summary>Recreates the database under the clients that are connected to it.</summary>
    /// <param name="backup">The backup to restore; null for an empty database.</param>
    public async Task ReplaceAsync(TestDatabase database, string? backup)
    {
        var name = NameOf(database);
        await ExecuteAsync($"DROP DATABASE {name} WITH (FORCE)");
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {(backup is null ? Template : "template0")}");
        database.Clear();
        if (backup is null)
        {
            await database.RowsAsync("UPDATE database_identity SET id = gen_random_uuid()", CancellationToken.None);
        }
        else
        {
            await RunAsPostgresAsync("pg_restore", "-h", "127.0.0.1", "-p", $"{Port}", "-U", User, "--single-transaction", "-d", name, backup);
        }
    }

    /// <summary>Starts the server again and waits until it accepts connections.</summary>
    public async Task StartAsync()
    {
        try
        {
            await RunAsPostgresAsync(
                "pg_ctl", "start", "-D", DataDirectory, "-w", "-l", LogFile, "-o", $"-p {Port} -k {Home} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200");
        }
        catch (InvalidOperationException exception) when (File.Exists(LogFile))
        {
            throw new InvalidOperationException($"{exception.Message}\n{await File.ReadAllTextAsync(LogFile)}", exception);
        }
    }

    /// <summary>Kills the server as kill -9 of all its processes would.</summary>
    public Task KillAsync() => RunAsPostgresAsync("pg_ctl", "stop", "-D", DataDirectory, "-m", "immediate", "-w");

    /// <summary>Freezes all processes of the server; connections stay open and nothing answers.</summary>
    public Task FreezeAsync()
    {
        _isFrozen = true;
        return SignalAllAsync("-STOP");
    }

    public async Task ThawAsync()
    {
        await SignalAllAsync("-CONT");
        _isFrozen = false;
    }

    /// <summary>Signals the postmaster first: once it is stopped, it starts no process. One of its children can exit by itself meanwhile.</summary>
    private async Task SignalAllAsync(string signal)
    {
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(DataDirectory, "postmaster.pid")))[0];
        await RunAsync("kill", signal, postmaster);
        await RunAsync("sh", "-c", "ps -o pid= --ppid \"$2\" | while read -r child; do kill \"$1\" \"$child\" || true; done", "sh", signal, postmaster);
    }

    private string ConnectionStringOf(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = User,
        Database = database,
        Timeout = 3,
        CommandTimeout = 3,
        CancellationTimeout = 500,
    }.ConnectionString;

    private static string NameOf(TestDatabase database) => new NpgsqlConnectionStringBuilder(database.ConnectionString).Database!;

    private async Task ExecuteAsync(string sql)
    {
        // CREATE DATABASE copies files: 3 s can be too short on a busy machine.
        await using var dataSource = NpgsqlDataSource.Create(ConnectionStringOf("postgres") + ";Pooling=false;Command Timeout=60");
        await using var command = dataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private Task<string> RunAsPostgresAsync(string binary, params string[] arguments)
    {
        var path = Path.Combine(_binaries, binary);
        if (Skew is { } skew)
        {
            // Through env, so that it runs as the server's user: libfaketime keeps a semaphore.
            arguments = [$"LD_PRELOAD={FakeTime()}", $"FAKETIME={skew}", "DONT_FAKE_MONOTONIC=1", path, .. arguments];
            path = "/usr/bin/env";
        }

        // PostgreSQL refuses to run as root.
        return Environment.UserName == "root"
            ? RunAsync("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments])
            : RunAsync(path, arguments);
    }

    private Task<string> RunAsync(string file, params string[] arguments) =>
        RunAsync(Directory.Exists(Home) ? Home : Path.GetTempPath(), file, arguments);

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its output.</returns>
    /// <exception cref="InvalidOperationException">The program failed; the message has its output.</exception>
    public static async Task<string> RunAsync(string directory, string file, string[] arguments)
    {
        // pg_ctl passes its pipes to the server that it starts: they must not be read to their end.
        var isServerStart = arguments.Contains("start");
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = !isServerStart, RedirectStandardError = !isServerStart, WorkingDirectory = directory };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{file} does not start");
        using var limit = new CancellationTokenSource(Limit);
        var output = isServerStart ? Task.FromResult("") : process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = isServerStart ? Task.FromResult("") : process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit code {process.ExitCode}: {await error}");
    }

    private static string FakeTime() =>
        Directories("/usr/lib").Select(directory => Path.Combine(directory, "faketime", "libfaketime.so.1")).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("This test needs libfaketime: apt-get install faketime");

    internal static string FindBinaries() =>
        FromPath()
        ?? Directories("/usr/lib/postgresql").Concat(Directories("/opt/homebrew/opt")).Select(directory => Path.Combine(directory, "bin"))
            .Where(directory => File.Exists(Path.Combine(directory, "initdb")))
            .OrderByDescending(directory => int.TryParse(Path.GetFileName(Path.GetDirectoryName(directory)), CultureInfo.InvariantCulture, out var version) ? version : 0)
            .FirstOrDefault()
        ?? throw new InvalidOperationException("These tests need PostgreSQL's server binaries (initdb, pg_ctl): apt-get install postgresql");

    // A link leads to the directory with the other programs, including pg_dump.
    private static string? FromPath() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(directory => File.Exists(Path.Combine(directory, "pg_ctl")))
        .Select(directory => new FileInfo(Path.Combine(directory, "initdb")))
        .Where(file => file.Exists)
        .Select(file => Path.GetDirectoryName(file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName))
        .FirstOrDefault();

    private static string[] Directories(string parent) => Directory.Exists(parent) ? Directory.GetDirectories(parent) : [];
}

/// <summary>One test's database.</summary>
public sealed class TestDatabase(string connectionString) : IAsyncDisposable
{
    public string ConnectionString => connectionString;

    /// <summary>Data source of a superuser.</summary>
    public NpgsqlDataSource DataSource { get; } = NpgsqlDataSource.Create(connectionString);

    /// <summary>Data source of the consumers' role.</summary>
    public NpgsqlDataSource Ingest { get; } = NpgsqlDataSource.Create(As(connectionString, DatabaseRoles.Ingest));

    /// <summary>Data source of the sensors' role.</summary>
    public NpgsqlDataSource Sensor { get; } = NpgsqlDataSource.Create(As(connectionString, DatabaseRoles.Sensor));

    /// <summary>Data source of the role of the monitoring API and the fault lab.</summary>
    public NpgsqlDataSource Monitor { get; } = NpgsqlDataSource.Create(As(connectionString, DatabaseRoles.Monitor));

    /// <summary>The URL of a superuser for DATABASE_URL.</summary>
    public string Url => UrlOf(new NpgsqlConnectionStringBuilder(connectionString).Username!);

    /// <summary>Returns the URL of a role for DATABASE_URL.</summary>
    public string UrlOf(string role)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        return $"postgresql://{role}@{parts.Host}:{parts.Port}/{parts.Database}";
    }

    public string ConnectionStringOf(string role) => As(connectionString, role);

    /// <summary>Closes idle connections.</summary>
    public void Clear() => Array.ForEach([DataSource, Ingest, Sensor, Monitor], each => each.Clear());

    /// <summary>Returns the first column of the first row; default if there is none.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using var command = Command(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return await command.ExecuteScalarAsync(cancellationToken) is T value ? value : default;
    }

    /// <summary>Returns all rows, each as its values.</summary>
    public async Task<List<object?[]>> RowsAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Command(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<object?[]>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var values = new object?[reader.FieldCount];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = await reader.IsDBNullAsync(i, cancellationToken) ? null : reader.GetValue(i);
            }

            rows.Add(values);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await Ingest.DisposeAsync();
        await Sensor.DisposeAsync();
        await Monitor.DisposeAsync();
    }

    /// <summary>A command of the test itself, which may take longer than the commands of the services.</summary>
    private NpgsqlCommand Command(string sql)
    {
        var command = DataSource.CreateCommand(sql);
        command.CommandTimeout = 60;
        return command;
    }

    private static string As(string connectionString, string role) => new NpgsqlConnectionStringBuilder(connectionString) { Username = role }.ConnectionString;
}
