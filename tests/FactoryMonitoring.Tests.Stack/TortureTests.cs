using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Aspire.Hosting.Testing;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>
/// Random faults, several at once, for TORTURE_MINUTES (half a minute by default), and then the account: for every sensor exactly the acknowledged
/// reading_counts are stored, each once, and the alerts are those of a single undisturbed consumer. TORTURE_SEED repeats a run's faults. If neither is set, the
/// faults are always the same, without a database that is restored or refuses, terminated sessions, poison, wrong clocks, two dead brokers and a partition
/// whose records are deleted.
/// </summary>
public abstract partial class Torture(FactoryStack stack, ITestOutputHelper output)
{
    private const int SigStop = 19;
    private const int SigCont = 18;
    private const int PoisonMessages = 8;
    private const int WrongClocks = 40;

    /// <summary>Error codes of each class of PostgreSQL's errors, except classes that no statement raises.</summary>
    private static readonly string[] States =
    [
        "08006", "0A000", "21000", "22003", "23505", "23514", "25006", "25P02", "26000", "28000", "34000", "40001", "40P01", "42P01", "44000", "53100", "53200", "53300", "54000",
        "55P03", "57014", "57P03", "58030", "P0001", "XX000", "XX001",
    ];

    // Pauses are longer than the session timeout: a paused consumer resumes when others own its partitions.
    private static readonly TimeSpan Session = TimeSpan.FromSeconds(6);

    // Longer than the lifetime of a client's connections, requests and metadata.
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(65);

    private static readonly string[] Consumers = ["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3"];
    private static readonly string[] BrokerNames = ["kafka1", "kafka2", "kafka3"];

    private TaskCompletionSource _outage = Completed();

    /// <param name="At">Time from the start.</param>
    /// <param name="For">Time until the fault is undone.</param>
    private sealed record Fault(string Kind, string Victim, TimeSpan At, TimeSpan For);

    protected async Task FaultsLoseAndDoubleNothingAsync()
    {
        var minutes = double.Parse(Environment.GetEnvironmentVariable("TORTURE_MINUTES") ?? "0.5", CultureInfo.InvariantCulture);
        var seed = Environment.GetEnvironmentVariable("TORTURE_SEED") is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Environment.GetEnvironmentVariable("TORTURE_MINUTES") is null ? 1 : Random.Shared.Next();
        output.WriteLine($"TORTURE_SEED={seed} TORTURE_MINUTES={minutes.ToString(CultureInfo.InvariantCulture)}");
        Console.WriteLine($"TORTURE_SEED={seed}");
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var clock = Stopwatch.StartNew();
        var faults = Plan(new Random(seed), TimeSpan.FromMinutes(minutes), isLong: Environment.GetEnvironmentVariable("TORTURE_MINUTES") is not null).ToList();
        await Task.WhenAll(faults.GroupBy(fault => fault.Victim).Select(async series =>
        {
            foreach (var fault in series)
            {
                await UntilAsync(clock, fault.At);
                output.WriteLine($"{clock.Elapsed.TotalSeconds,7:0.0} s  {fault.Kind} {fault.Victim} for {fault.For.TotalSeconds:0.0} s");
                await CommitAsync(clock, fault);
            }
        }));

        await stack.IsWholeAsync(TimeSpan.FromMinutes(2));
        // A restored database lacks acknowledgements of readings that are in the log.
        await stack.AccountIsExactAsync(mayBeUnconfirmed: faults.Exists(fault => fault.Kind == "restore"), maySkip: faults.Exists(fault => fault.Kind == "truncate"));
        await AlertsAreThoseOfAnUndisturbedConsumerAsync(partitionsThatLost: [.. faults.Where(fault => fault.Kind == "truncate").Select(fault => int.Parse(fault.Victim, CultureInfo.InvariantCulture))]);
    }

    /// <summary>Returns a sequence of faults for each victim; different victims are hit at the same time.</summary>
    private static IEnumerable<Fault> Plan(Random random, TimeSpan length, bool isLong)
    {
        foreach (var consumer in Consumers)
        {
            foreach (var fault in Series(random, length, () => consumer, ["kill", "pause", "stop"], 4, 15, 2, 12))
            {
                yield return fault;
            }
        }

        string[] some = ["kill", "kill", "kill", "kill", "outage"];
        foreach (var fault in Series(random, length, () => "brokers", isLong ? some : ["kill"], 15, 30, 3, 8))
        {
            yield return fault;
        }

        foreach (var fault in Series(random, length, () => "postgres", isLong ? ["kill", "restore", "refuse"] : ["kill"], 15, 40, 1, 5))
        {
            yield return fault;
        }

        // A consumer that joins and leaves: rebalances without a failure.
        foreach (var fault in Series(random, length, () => "sensor-consumer-4", ["join"], 3, 12, 3, 8))
        {
            yield return fault;
        }

        if (!isLong)
        {
            yield break;
        }

        foreach (var fault in Series(random, length, () => "sessions", ["terminate"], 5, 20, 0, 0))
        {
            yield return fault;
        }

        foreach (var fault in Series(random, length, () => "kafka", ["poison", "clock"], 3, 12, 0, 0))
        {
            yield return fault;
        }

        var partition = random.Next(6).ToString(CultureInfo.InvariantCulture);
        foreach (var fault in Series(random, length, () => partition, ["truncate"], 60, 180, 0, 0))
        {
            yield return fault;
        }
    }

    private static IEnumerable<Fault> Series(
        Random random, TimeSpan length, Func<string> victim, string[] kinds, double leastPause, double mostPause, double leastFor, double mostFor)
    {
        TimeSpan Between(double least, double most) => TimeSpan.FromSeconds(least + (random.NextDouble() * (most - least)));
        var at = Between(0, mostPause);
        while (at < length)
        {
            var kind = kinds[random.Next(kinds.Length)];
            var longer = kind switch { "pause" => Session, "outage" => Outage, _ => TimeSpan.Zero };
            var fault = new Fault(kind, victim(), at, Between(leastFor, mostFor) + longer);
            yield return fault;
            at += fault.For + Between(leastPause, mostPause);
        }
    }

    private async Task CommitAsync(Stopwatch clock, Fault fault)
    {
        var victim = fault.Victim == "brokers" ? BrokerNames[(int)(fault.At.TotalMilliseconds % BrokerNames.Length)] : fault.Victim;
        if (fault.Kind is "kill" or "pause" or "stop")
        {
            // The victim may have been started a moment ago.
            await Wait.ForAsync($"{victim} runs", TimeSpan.FromSeconds(60), async token => (await stack.ResourceAsync(victim, token))["pid"] is not null, runs => runs);
        }

        switch (fault.Kind)
        {
            case "pause":
                var pid = await stack.ProcessIdAsync(victim);
                Signal(pid, SigStop);
                try
                {
                    await UntilAsync(clock, fault.At + fault.For);
                }
                finally
                {
                    Signal(pid, SigCont);
                }

                break;
            case "restore":
                var backup = await BackUpAsync();
                await UntilAsync(clock, fault.At + fault.For);
                await RestoreAsync(backup);
                break;
            case "refuse":
                await RefuseAsync(States[(int)(fault.At.TotalMilliseconds % States.Length)], () => UntilAsync(clock, fault.At + fault.For));
                break;
            case "terminate":
                await TerminateSessionsAsync();
                break;
            case "poison":
                // While most brokers are dead, sending fails with an error.
                await _outage.Task;
                await stack.SendAsync(new PoisonCommand(PoisonMessages));
                break;
            case "clock":
                await _outage.Task;
                await SendWithWrongClocksAsync(new Random((int)fault.At.TotalMilliseconds));
                break;
            case "truncate":
                await TruncateAsync(int.Parse(victim, CultureInfo.InvariantCulture));
                break;
            case "outage":
                string[] two = [victim, BrokerNames[(Array.IndexOf(BrokerNames, victim) + 1) % BrokerNames.Length]];
                _outage = new(TaskCreationOptions.RunContinuationsAsynchronously);
                await Task.WhenAll(two.Select(broker => stack.ControlAsync(broker, "kill")));
                await UntilAsync(clock, fault.At + fault.For);
                await Task.WhenAll(two.Select(broker => stack.ControlAsync(broker, "start")));
                var recovered = await Wait.ForAsync("a message is taken", TimeSpan.FromMinutes(2), _ => TakesAsync(), takes => takes);
                output.WriteLine($"           brokers take messages after {recovered.TotalSeconds:0.0} s");
                _outage.SetResult();
                break;
            case "join":
                await stack.ControlAsync(victim, "start");
                await UntilAsync(clock, fault.At + fault.For);
                await stack.ControlAsync(victim, "stop");
                break;
            default:
                await stack.ControlAsync(victim, fault.Kind);
                await UntilAsync(clock, fault.At + fault.For);
                await stack.ControlAsync(victim, "start");
                break;
        }
    }

    /// <summary>
    /// Sends readings of devices whose clocks, and those of the records, are wrong by an hour up to decades: some of them raise alerts, of a few sensors that
    /// recur.
    /// </summary>
    private async Task SendWithWrongClocksAsync(Random random)
    {
        using var producer = new Confluent.Kafka.ProducerBuilder<string, string>(
            new Confluent.Kafka.ProducerConfig { BootstrapServers = stack.KafkaBootstrap, EnableIdempotence = true }).Build();
        DateTimeOffset[] clocks = [DateTimeOffset.UnixEpoch, new(2004, 2, 29, 0, 0, 0, TimeSpan.Zero), DateTimeOffset.UtcNow.AddHours(-5), DateTimeOffset.UtcNow.AddHours(9), new(2099, 12, 31, 0, 0, 0, TimeSpan.Zero)];
        for (var i = 0; i < WrongClocks; i++)
        {
            var clock = clocks[random.Next(clocks.Length)].AddSeconds(random.Next(60));
            var sensor = $"wrong-clock-{random.Next(5)}";
            var value = JsonSerializer.Serialize(new { timestamp = clock, sensor_id = sensor, sensor_type = "temperature", value = random.Next(15, 45), unit = "°C" });
            producer.Produce("sensor-data", new Confluent.Kafka.Message<string, string> { Key = sensor, Value = value, Timestamp = new Confluent.Kafka.Timestamp(clock) });
        }

        await Task.Run(() => producer.Flush(TimeSpan.FromMinutes(1)));
    }

    private static TaskCompletionSource Completed()
    {
        var completed = new TaskCompletionSource();
        completed.SetResult();
        return completed;
    }

    /// <summary>Whether the brokers accept a message; it sends a malformed one.</summary>
    private async Task<bool> TakesAsync()
    {
        using var producer = new Confluent.Kafka.ProducerBuilder<string, string>(
            new Confluent.Kafka.ProducerConfig { BootstrapServers = stack.KafkaBootstrap, Acks = Confluent.Kafka.Acks.All, MessageTimeoutMs = 5_000 }).Build();
        return (await producer.ProduceAsync("sensor-data", new() { Key = "torture", Value = "no reading" })).Status == Confluent.Kafka.PersistenceStatus.Persisted;
    }

    /// <summary>Deletes all records that the partition has at this time, read or unread.</summary>
    private async Task TruncateAsync(int partition)
    {
        using var admin = new Confluent.Kafka.AdminClientBuilder(new Confluent.Kafka.AdminClientConfig { BootstrapServers = stack.KafkaBootstrap }).Build();
        await _outage.Task;
        var deleted = await Wait.AnswerAsync("records deleted", TimeSpan.FromMinutes(4), _ => admin.DeleteRecordsAsync(
            [new("sensor-data", partition, Confluent.Kafka.Offset.End)],
            new() { RequestTimeout = TimeSpan.FromSeconds(10), OperationTimeout = TimeSpan.FromSeconds(10) }));
        output.WriteLine($"           partition {partition} begins at {deleted[0].Offset.Value}");
    }

    private async Task TerminateSessionsAsync()
    {
        try
        {
            await stack.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ingest of %'");
        }
        catch (NpgsqlException)
        {
            // Another fault has just terminated all sessions.
        }
    }

    /// <summary>Meanwhile the database answers every move of an offset, and every rehearsal of one, with this error.</summary>
    private async Task RefuseAsync(string state, Func<Task> meanwhile)
    {
        output.WriteLine($"           every transaction is refused with {state}");
        await Wait.ForAsync("the database takes connections", TimeSpan.FromSeconds(60), _ => AnswersAsync(), answers => answers);
        await stack.ExecuteAsync($"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '{state}'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE OR INSERT ON partition_offsets FOR EACH STATEMENT EXECUTE FUNCTION refuse()
            """);
        await meanwhile();
        await stack.ExecuteAsync("DROP FUNCTION refuse CASCADE");
    }

    /// <returns>The file of the backup.</returns>
    private async Task<string> BackUpAsync()
    {
        var file = Path.Combine(Path.GetTempPath(), $"factory-torture-{Guid.NewGuid():N}.dump");
        // The database may have been started a moment ago.
        await Wait.ForAsync("the database takes connections", TimeSpan.FromSeconds(60), _ => AnswersAsync(), answers => answers);
        await RunAsync("pg_dump", "-Fc", "-f", file, (await ConnectionAsync()).Database!);
        return file;
    }

    /// <summary>Restores the backup: what was committed since is gone, although clients have it in memory.</summary>
    private async Task RestoreAsync(string backup)
    {
        var database = (await ConnectionAsync()).Database!;
        await RunAsync("psql", "-v", "ON_ERROR_STOP=1", "-c", $"DROP DATABASE {database} WITH (FORCE)", "-c", $"CREATE DATABASE {database} TEMPLATE template0", "postgres");
        await RunAsync("pg_restore", "--single-transaction", "-d", database, backup);
        stack.Database.Clear();
        File.Delete(backup);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            return await stack.ScalarAsync<int>("SELECT 1") == 1;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task<NpgsqlConnectionStringBuilder> ConnectionAsync() => new(await stack.App.GetConnectionStringAsync("factorydb"));

    /// <summary>Runs a PostgreSQL program from the directory of the running server.</summary>
    private async Task RunAsync(string program, params string[] arguments)
    {
        var server = new FileInfo($"/proc/{await stack.ProcessIdAsync("postgres")}/exe").ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        var connection = await ConnectionAsync();
        var start = new ProcessStartInfo(Path.Combine(Path.GetDirectoryName(server)!, program), arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        (start.Environment["PGHOST"], start.Environment["PGPORT"]) = (connection.Host, connection.Port.ToString(CultureInfo.InvariantCulture));
        (start.Environment["PGUSER"], start.Environment["PGPASSWORD"]) = (connection.Username, connection.Password);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {await output}{error}");
    }

    private static async Task UntilAsync(Stopwatch clock, TimeSpan at)
    {
        if (at - clock.Elapsed is var left && left > TimeSpan.Zero)
        {
            using var timer = new PeriodicTimer(left);
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Lets a consumer of another group read the same log into a separate database, and compares.</summary>
    private async Task AlertsAreThoseOfAnUndisturbedConsumerAsync(int[] partitionsThatLost)
    {
        string[] sensors = ["temperature-sensor", "vibration-sensor", "energy-sensor", "humidity-sensor", "pressure-sensor"];
        await Task.WhenAll(sensors.Select(sensor => stack.ControlAsync(sensor, "stop")));
        const string Read = "SELECT COALESCE(sum(stored + rejected), 0)::bigint FROM partition_offsets";
        var ends = await MessagesInLogAsync();

        await stack.ExecuteAsync("CREATE DATABASE reference");
        var connection = new NpgsqlConnectionStringBuilder((await stack.App.GetConnectionStringAsync("factorydb"))!) { Database = "reference" }.ConnectionString;
        await using var reference = NpgsqlDataSource.Create(connection);
        await new MigrationRunner(reference, NullLogger<MigrationRunner>.Instance).ApplyAsync(CancellationToken.None);
        await new ReadingPartitions(reference).EnsureAsync(DateOnly.FromDateTime(DateTime.UtcNow), 2, CancellationToken.None);
        using (var consumer = StartReference(connection))
        {
            await Wait.ForAsync("the reference has read everything", TimeSpan.FromMinutes(2), async token => await ScalarAsync<long>(reference, Read, token), read => read >= ends);
            Signal(consumer.Id, 15);
            await consumer.WaitForExitAsync();
        }

        // The last states of open alerts are written with the next snapshots.
        var expected = await AlertsAsync(reference, partitionsThatLost);
        var actual = await AlertsAsync(stack.Database, partitionsThatLost);
        for (var clock = Stopwatch.StartNew(); !actual.SequenceEqual(expected) && clock.Elapsed < TimeSpan.FromSeconds(20); actual = await AlertsAsync(stack.Database, partitionsThatLost))
        {
            await UntilAsync(clock, clock.Elapsed + TimeSpan.FromSeconds(1));
        }

        var differences = expected.Except(actual).Select(alert => $"expected {alert}").Concat(actual.Except(expected).Select(alert => $"found {alert}")).ToList();
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.Equal(expected, actual);
        await Task.WhenAll(sensors.Select(sensor => stack.ControlAsync(sensor, "start")));
    }

    private Process StartReference(string connection)
    {
        // Another process of the same program, with the environment from the AppHost.
        Assert.True(stack.App.ResourceNotifications.TryGetCurrentState(Consumers[0], out var state));
        var start = new ProcessStartInfo((string)state.Snapshot.Properties.First(property => property.Name == "executable.path").Value!);
        foreach (var variable in state.Snapshot.EnvironmentVariables)
        {
            start.Environment[variable.Name] = variable.Value;
        }

        start.Environment["CONSUMER_ID"] = "reference";
        start.Environment["CONSUMER_GROUP"] = "reference";
        start.Environment["ConnectionStrings__factorydb"] = connection;
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        return Process.Start(start)!;
    }

    /// <summary>Returns how many messages there are according to the brokers.</summary>
    private async Task<long> MessagesInLogAsync()
    {
        using var consumer = new Confluent.Kafka.ConsumerBuilder<Confluent.Kafka.Ignore, Confluent.Kafka.Ignore>(
            new Confluent.Kafka.ConsumerConfig { BootstrapServers = stack.KafkaBootstrap, GroupId = "end" }).Build();
        return await Task.Run(() => Enumerable.Range(0, 6).Sum(partition =>
            consumer.QueryWatermarkOffsets(new Confluent.Kafka.TopicPartition("sensor-data", partition), TimeSpan.FromSeconds(10)) is var marks ? marks.High - marks.Low : 0));
    }

    private static async Task<List<string>> AlertsAsync(NpgsqlDataSource database, int[] except)
    {
        await using var command = database.CreateCommand("""
            SELECT format('%s %s/%s %s %s %s %s %s %s %s', alert_id, kafka_partition, kafka_offset, sensor_id, anomaly_type, severity, sensor_value, occurrences, peak_value, resolved_at IS NOT NULL)
            FROM alerts WHERE log_key IS NOT NULL AND kafka_partition <> ALL($1) ORDER BY kafka_partition, kafka_offset, alert_id
            """);
        command.Parameters.AddWithValue(except);
        await using var reader = await command.ExecuteReaderAsync();
        var alerts = new List<string>();
        while (await reader.ReadAsync())
        {
            alerts.Add(reader.GetString(0));
        }

        return alerts;
    }

    private static async Task<T> ScalarAsync<T>(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static void Signal(int process, int signal) => _ = Kill(process, signal);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}

/// <summary>The torture test with the protocol of KIP-848.</summary>
[Collection(BusyCollection.Name)]
public sealed class TortureTests(BusyStack stack, ITestOutputHelper output) : Torture(stack, output)
{
    [Fact]
    public Task Faults_lose_and_double_nothing() => FaultsLoseAndDoubleNothingAsync();
}

/// <summary>The torture test with the classic protocol.</summary>
[Collection(ClassicCollection.Name)]
public sealed class ClassicTortureTests(ClassicStack stack, ITestOutputHelper output) : Torture(stack, output)
{
    [Fact]
    public Task Faults_lose_and_double_nothing() => FaultsLoseAndDoubleNothingAsync();
}

/// <summary>A stack on Apache Kafka as three processes, with sensors that send about 300 readings/s.</summary>
public class BusyStack : FactoryStack
{
    protected override string Kafka => "processes";

    protected override IEnumerable<string> Settings => ["--Sensors:BurstFactor=12"];
}

/// <summary>The same stack with the classic protocol, which consumers inherit from the environment.</summary>
public sealed class ClassicStack : BusyStack
{
    private const string Protocol = "Consumers__GroupProtocol";

    public override Task InitializeAsync()
    {
        Environment.SetEnvironmentVariable(Protocol, "classic");
        return base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Environment.SetEnvironmentVariable(Protocol, null);
    }
}

[CollectionDefinition(Name)]
public sealed class BusyCollection : ICollectionFixture<BusyStack>
{
    public const string Name = "Apache Kafka as processes, busy sensors";
}

[CollectionDefinition(Name)]
public sealed class ClassicCollection : ICollectionFixture<ClassicStack>
{
    public const string Name = "Apache Kafka as processes, classic groups";
}
