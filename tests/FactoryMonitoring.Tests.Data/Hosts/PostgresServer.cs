using Npgsql;

namespace FactoryMonitoring.Tests.Data.Hosts;

/// <summary>
/// One of several PostgreSQL servers, with a separate data directory: a primary, a standby, or a server restored from a backup. Runs as user postgres if the
/// tests run as root.
/// </summary>
/// <param name="home">Parent of its data directory and its socket; belongs to the user that it runs as.</param>
/// <param name="name">Name of the data directory.</param>
/// <param name="address">The address that it listens on.</param>
/// <param name="prefix">The command that runs it on another host: <see cref="HostNetwork.Prefix"/>.</param>
public sealed class PostgresServer(string home, string name, string address, int port, params string[] prefix) : IAsyncDisposable
{
    public const string User = "factory_user";
    public const string Database = "factory";
    public const string Archive = "archive";
    private readonly string _binaries = PostgresFixture.FindBinaries();

    public string Data { get; } = Path.Combine(home, name);

    public string Host => address;

    public string Address => $"{address}:{port}";

    private string Conninfo => $"host={address} port={port} user={User}";

    private string LogFile => Path.Combine(home, $"{name}.log");

    private string PidFile => Path.Combine(Data, "postmaster.pid");

    /// <summary>Creates a directory for servers, and in it one for their archive; both belong to the user that the servers run as.</summary>
    public static async Task<string> CreateHomeAsync()
    {
        var home = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"factory-hosts-{Guid.NewGuid().ToString("N")[..8]}")).FullName;
        Directory.CreateDirectory(Path.Combine(home, Archive));
        if (Environment.UserName == "root")
        {
            await PostgresFixture.RunAsync(home, "chown", ["-R", "postgres", home]);
        }

        return home;
    }

    /// <summary>Starts a server with an empty database on a new host named database, which accepts sessions of the other hosts.</summary>
    public static async Task<PostgresServer> StartOnHostAsync(HostNetwork network, string home)
    {
        var server = new PostgresServer(home, "data", await network.AddAsync("database"), 5432, network.Prefix("database"));
        await server.InitializeAsync();
        await File.AppendAllTextAsync(Path.Combine(server.Data, "pg_hba.conf"), "host all all samenet trust\n");
        await server.StartAsync();
        await server.ExecuteAsync($"CREATE DATABASE {Database}", "postgres");
        return server;
    }

    public Task InitializeAsync() => RunAsPostgresAsync("initdb", "-D", Data, "-U", User, "-A", "trust", "-E", "UTF8", "--no-sync");

    /// <summary>Creates the server as a copy of another: a base backup with the WAL that it needs.</summary>
    /// <param name="options">Further options of pg_basebackup: -R makes the copy a standby.</param>
    public Task CopyAsync(PostgresServer from, params string[] options) =>
        RunAsPostgresAsync("pg_basebackup", ["-d", from.Conninfo, "-D", Data, "-X", "stream", "-c", "fast", "--no-sync", .. options]);

    /// <param name="settings">name=value.</param>
    public async Task StartAsync(params string[] settings)
    {
        string[] all = [$"port={port}", $"unix_socket_directories={home}", $"listen_addresses={address}", "fsync=off", .. settings];
        try
        {
            await RunAsPostgresAsync("pg_ctl", "start", "-D", Data, "-w", "-l", LogFile, "-o", string.Join(' ', all.Select(setting => $"-c \"{setting}\"")));
        }
        catch (InvalidOperationException exception) when (File.Exists(LogFile))
        {
            throw new InvalidOperationException($"{exception.Message}\n{await File.ReadAllTextAsync(LogFile)}", exception);
        }
    }

    public Task StopAsync() => RunAsPostgresAsync("pg_ctl", "stop", "-D", Data, "-m", "fast", "-w");

    /// <summary>Kills all of its processes with kill -9.</summary>
    public async Task KillAsync()
    {
        var postmaster = (await File.ReadAllLinesAsync(PidFile))[0];
        var children = await PostgresFixture.RunAsync(home, "ps", ["-o", "pid=", "--ppid", postmaster]);
        // A child that has just ended by itself is no error.
        await PostgresFixture.RunAsync(home, "bash", ["-c", $"kill -9 {postmaster} {string.Join(' ', children.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))} || true"]);
        File.Delete(PidFile);
    }

    /// <summary>Promotes a standby.</summary>
    public Task PromoteAsync() => RunAsPostgresAsync("pg_ctl", "promote", "-D", Data, "-w");

    /// <summary>Stops sending to the standby, whose connection stays open.</summary>
    public async Task FreezeReplicationAsync() => await PostgresFixture.RunAsync(home, "kill", ["-STOP", $"{(await RowsAsync("SELECT pid FROM pg_stat_replication", "postgres"))[0][0]}"]);

    public async Task ExecuteAsync(string sql, string database = Database) => await RowsAsync(sql, database);

    public async Task<T> ScalarAsync<T>(string sql) => (T)(await RowsAsync(sql))[0][0]!;

    /// <summary>Returns all rows of this server, each as its values.</summary>
    public async Task<List<object?[]>> RowsAsync(string sql, string database = Database)
    {
        await using var test = new TestDatabase(ConnectionString(database));
        return await test.RowsAsync(sql, CancellationToken.None);
    }

    public string ConnectionString(string database = Database) =>
        new NpgsqlConnectionStringBuilder { Host = address, Port = port, Username = User, Database = database, Pooling = false, Timeout = 3, CommandTimeout = 30 }.ConnectionString;

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(PidFile))
        {
            await KillAsync();
        }
    }

    /// <summary>Runs a program of PostgreSQL as the user that the server runs as.</summary>
    private Task<string> RunAsPostgresAsync(string binary, params string[] arguments)
    {
        // PostgreSQL refuses to run as root.
        string[] user = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        string[] command = [.. prefix, .. user, Path.Combine(_binaries, binary), .. arguments];
        return PostgresFixture.RunAsync(home, command[0], command[1..]);
    }
}
