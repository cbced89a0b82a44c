using System.Diagnostics;
using Aspire.Hosting;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.Tests.Data;
using Npgsql;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>PostgreSQL as the AppHost starts it, on a small disk that the test fills.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private const string Password = "secret";
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(2));
    private readonly SmallDisk _disk = new(megabytes: 160);
    private readonly int _port = FactoryMonitoring.Tests.Ports.Free();
    private readonly List<string> _lines = [];
    private readonly Process _script;

    public FullDiskTests() => _script = Start();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        // The server exits with its script.
        _script.Kill();
        await _script.WaitForExitAsync();
        _script.Dispose();
        await EventuallyAsync(() => !File.Exists(Path.Combine(_disk.Path, "postgres", "data", "postmaster.pid")));
        _disk.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public async Task The_server_that_has_no_room_left_is_named_and_started_again_once_there_is_room()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
        var probe = new PostgresProbe(new(builder.AddConnectionString("factorydb"), "factory", "u", builder.AddParameter("password", Password).Resource, _port));
        await EventuallyAsync(async () => await probe.AskAsync(_limit.Token) is null);
        Assert.Null(await probe.AskForRoomAsync(_limit.Token));

        _disk.Fill();
        Assert.StartsWith("the database has no room left on its disk: could not ", await probe.AskForRoomAsync(_limit.Token), StringComparison.Ordinal);
        Assert.Null(await probe.AskAsync(_limit.Token));
        await WriteLogAsync();
        await EventuallyAsync(() => Says("It is started again once there is room"));
        Assert.False(_script.HasExited);

        _disk.Empty();
        await EventuallyAsync(async () => await probe.AskForRoomAsync(_limit.Token) is null);
        Assert.True(Says("there is room again on the disk of "));

        // It can be stopped while it waits.
        _disk.Fill();
        await WriteLogAsync();
        await EventuallyAsync(() => Count("It is started again once there is room") == 2);
        using var stop = Process.Start("kill", ["-TERM", $"{_script.Id}"]);
        await _script.WaitForExitAsync(_limit.Token);
        Assert.Equal(1, _script.ExitCode);
    }

    private Process Start()
    {
        var directory = new PostgresDirectory(Path.Combine(_disk.Path, "postgres"), Environment.IsPrivilegedProcess ? "postgres" : null);
        var installation = PostgresInstallation.Choose(PostgresInstallation.Find(Environment.GetEnvironmentVariable("PG_BIN")), dataVersion: null, directory.Data);
        var start = new ProcessStartInfo(
            "bash",
            [
                Path.Combine(AppContext.BaseDirectory, "Postgres", "postgres.sh"), installation.Bin, directory.Path, directory.User ?? Environment.UserName,
                "-c", $"port={_port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
            ])
        {
            RedirectStandardOutput = true,
        };
        Directory.CreateDirectory(directory.Path);
        File.WriteAllText(directory.PasswordFile, Password + "\n");
        (start.Environment["POSTGRES_USER"], start.Environment["POSTGRES_PASSWORD_FILE"], start.Environment["POSTGRES_DB"]) = ("u", directory.PasswordFile, "factory");
        var script = Process.Start(start)!;
        script.OutputDataReceived += (_, line) =>
        {
            lock (_lines) _lines.Add(line.Data ?? "");
        };
        script.BeginOutputReadLine();
        return script;
    }

    private bool Says(string text) => Count(text) > 0;

    private int Count(string text)
    {
        lock (_lines) return _lines.Count(line => line.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Fills the current WAL segment, so that the server needs another one and finds no space.</summary>
    private async Task WriteLogAsync()
    {
        await using var dataSource = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={_port};Username=u;Password={Password};Database=factory;Pooling=false");
        try
        {
            while (true)
            {
                await using var command = dataSource.CreateCommand("SELECT pg_logical_emit_message(false, '', repeat('x', 4000000))");
                await command.ExecuteNonQueryAsync(_limit.Token);
            }
        }
        catch (NpgsqlException)
        {
            // The server has exited.
        }
    }

    private Task EventuallyAsync(Func<bool> condition) => EventuallyAsync(() => Task.FromResult(condition()));

    private async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await condition()) await timer.WaitForNextTickAsync(_limit.Token);
    }
}
