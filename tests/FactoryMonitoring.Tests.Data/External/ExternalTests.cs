using System.Buffers.Text;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.External;

/// <summary>The services on external brokers and an external PostgreSQL: TLS, sign-in, and no more rights than necessary.</summary>
[Collection(PostgresCollection.Name)]
[UnsupportedOSPlatform("windows")]
public sealed class ExternalTests(SecuredCluster cluster) : IClassFixture<SecuredCluster>, IAsyncLifetime
{
    private const string Group = "plant";
    private const string Owner = "plant_owner";
    private const string App = "plant_app";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static readonly KafkaNames Names = KafkaNames.Default;
    private readonly string _database = $"plant_{Guid.NewGuid():N}";
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));

    private CancellationToken Timeout => _limit.Token;

    public Task InitializeAsync() => SecurePostgresAsync();

    public Task DisposeAsync()
    {
        _limit.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_though_processes_die_a_certificate_expires_and_passwords_change()
    {
        await AllowServicesAsync();
        Assert.Equal(0, await RunAsync("provisioner"));
        await ExecuteAsync(_database, $"GRANT {DatabaseRoles.Sensor}, {DatabaseRoles.Monitor} TO {App}");

        await using var api = Start("Monitoring.Api", "monitor", App, []);
        await using var sensors = Start("Sensors", "sensors", App, new() { ["SENSOR_TYPE"] = "temperature", ["SAMPLING_INTERVAL"] = "0.06", ["Sensors__PerType"] = "6" });
        await using var first = Start("Consumers", "consumers", Owner, new() { ["CONSUMER_ID"] = "c1" });
        await using var second = Start("Consumers", "consumers", Owner, new() { ["CONSUMER_ID"] = "c2" });
        await FlowsAsync();

        // A consumer and a broker die.
        await first.KillAsync(Timeout);
        await cluster.KillAsync(3);
        await FlowsAsync();
        cluster.Start(3);
        await cluster.AllAreUpAsync();

        // The passwords of the clients change at the brokers; while the clients are refused, the brokers' certificate expires.
        await cluster.SetPasswordAsync("sensors", "sensors-new");
        await cluster.SetPasswordAsync("consumers", "consumers-new");
        await SaysAsync(sensors, "The brokers refuse User:sensors: ");
        await SaysAsync(second, "The brokers refuse User:consumers: ");
        await cluster.ShowCertificateAsync(isExpired: true);
        await SaysAsync(sensors, "No encrypted connection to a broker: ");
        await SaysAsync(second, "No encrypted connection to a broker: ");
        await cluster.ShowCertificateAsync(isExpired: false);
        WritePassword("sensors", "sensors-new");
        WritePassword("consumers", "consumers-new");
        await FlowsAsync();

        // The same with the database: first its certificate, then the password of the role.
        await ShowPostgresCertificateAsync("untrusted");
        await SaysAsync(second, "The database is away");
        await ShowPostgresCertificateAsync("postgres");
        await FlowsAsync();
        await ExecuteAsync("postgres", $"ALTER ROLE {Owner} PASSWORD 'owner-new'");
        await DropConnectionsAsync();
        await SaysAsync(second, "28P01");
        WritePassfile(Owner, "owner-new");
        await FlowsAsync();

        Assert.Equal(0, await sensors.StopAsync(Timeout));
        var ledger = await SettledAsync(api);
        Assert.Equal((0, 0, 0), (ledger.Missing, ledger.Duplicated, ledger.Rejected));
        Assert.Empty(ledger.Violations);
        Assert.Equal(0L, await ScalarAsync<long>("SELECT count(*) - count(DISTINCT (kafka_partition, kafka_offset)) FROM readings"));
        Assert.Equal(0, await second.StopAsync(Timeout));
        Assert.All([api.Output, sensors.Output, first.Output, second.Output], output => Assert.DoesNotMatch("(sensors|consumers|monitor|owner|app)-(secret|new)", output));
    }

    [Fact]
    [Trait("Time", "measured")]
    public async Task The_AppHost_runs_its_services_on_them()
    {
        const string User = "factory";
        // Separate names: other tests read the other topics.
        Dictionary<string, string> names = new() { ["SENSOR_TOPIC"] = "hosted", ["ALERT_TOPIC"] = "hosted-alerts", ["CONSUMER_GROUP"] = "hosts" };
        await cluster.SetPasswordAsync(User, $"{User}-secret");
        WritePassword(User, $"{User}-secret");
        foreach (var operation in new[] { AclOperation.Create, AclOperation.Describe, AclOperation.DescribeConfigs, AclOperation.Alter, AclOperation.Read, AclOperation.Write })
        {
            await cluster.AllowAsync(User, operation, ResourceType.Topic, "hosted", isPrefix: true);
        }

        await cluster.AllowAsync(User, AclOperation.Read, ResourceType.Group, "hosts", isPrefix: true);
        var directory = Directory.CreateTempSubdirectory("factory-external-");
        try
        {
            await using var app = Start("FactoryMonitoring.AppHost", User, Owner, new(names)
            {
                ["Factory__Kafka"] = "external", ["Factory__Postgres"] = "external", ["Factory__Prometheus"] = "false", ["Factory__RunDirectory"] = directory.FullName,
                ["Factory__Ports__Web"] = "0", ["Factory__Ports__Api"] = "0", ["Sensors__PerType"] = "6", ["DOTNET_ENVIRONMENT"] = "Development", ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
            });
            await SaysAsync(app, "5 producers and 3 consumers active at ", TimeSpan.FromMinutes(2));
            await FlowsAsync();

            Assert.Equal(0, await app.StopAsync(Timeout));
            Assert.Equal(0L, await ScalarAsync<long>("SELECT count(*) - count(DISTINCT (kafka_partition, kafka_offset)) FROM readings"));
            Assert.Equal(0L, await ScalarAsync<long>("SELECT count(*) FROM ledger_violations"));
            Assert.All(Directory.EnumerateFiles(directory.FullName, "*.log", SearchOption.AllDirectories).Select(File.ReadAllText).Append(app.Output), output => Assert.DoesNotContain($"{User}-secret", output, StringComparison.Ordinal));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Each_missing_right_is_named_with_the_command_that_grants_it()
    {
        const string Name = "newcomer";
        await ExecuteAsync("postgres", $"ALTER DATABASE {_database} OWNER TO {App}");
        await ExecuteAsync(_database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO factory_user");
        Dictionary<string, string> names = new() { ["SENSOR_TOPIC"] = "strange", ["ALERT_TOPIC"] = "strange-alerts", ["CONSUMER_GROUP"] = "strangers" };
        await cluster.SetPasswordAsync(Name, $"{Name}-secret");
        WritePassword(Name, $"{Name}-secret");

        // The wrong password, and a certificate of an untrusted authority.
        var (code, output) = await CheckAsync(Name, Owner, new() { ["Kafka__Security__PasswordFile"] = "", ["Kafka__Security__Password"] = "wrong" });
        Assert.Equal(1, code);
        Says(output, $"FAIL  kafka                The brokers refuse User:{Name}: ");
        using var other = new Authority(cluster.Home, "other-ca");
        (_, output) = await CheckAsync(Name, Owner, new() { ["Kafka__Security__CaFile"] = other.CaFile });
        Says(output, "FAIL  kafka                No encrypted connection to a broker: ");

        // Missing topics, and a database in which tables cannot be created.
        (code, output) = await CheckAsync(Name, Owner, names);
        Assert.Equal(1, code);
        Says(output, Grant("Write", "topic strange-alerts", "--topic strange-alerts"));
        Says(output, Grant("Read", "group strangers", "--group strangers --resource-pattern-type prefixed"));
        Says(output, $"Role {Owner} may not create tables in schema public; grant it: GRANT USAGE, CREATE ON SCHEMA public TO {Owner}");
        Says(await ProvisionAsync(Name, Owner, names), Grant("Describe", "topic strange", "--topic strange"));
        await cluster.AllowAsync(Name, AclOperation.Describe, ResourceType.Topic, "strange", isPrefix: true);
        Says(await ProvisionAsync(Name, Owner, names), Grant("Create", "topic strange", "--topic strange"));
        await cluster.AllowAsync(Name, AclOperation.Create, ResourceType.Topic, "strange", isPrefix: true);
        Says(await ProvisionAsync(Name, Owner, names), Grant("DescribeConfigs", "topic strange", "--topic strange"));
        await cluster.AllowAsync(Name, AclOperation.DescribeConfigs, ResourceType.Topic, "strange", isPrefix: true);
        Says(await ProvisionAsync(Name, Owner, names), $"grant it: GRANT USAGE, CREATE ON SCHEMA public TO {Owner}");

        // Existing topics with unsuitable settings.
        names["Factory__Partitions"] = "8";
        Says(await ProvisionAsync(Name, Owner, names), $"topic strange has 6 partitions, Factory:Partitions wants 8: {Grant("Alter", "topic strange", "--topic strange")}");
        names["Factory__Partitions"] = "6";
        await SetAsync("cleanup.policy", "compact");
        (_, output) = await CheckAsync(Name, Owner, names);
        Says(output, "topic strange has cleanup.policy=compact, which drops messages before they are read: kafka-configs.sh ");
        await SetAsync("cleanup.policy", "delete");
        await SetAsync("min.insync.replicas", "4");
        (_, output) = await CheckAsync(Name, Owner, names);
        Says(output, "topic strange has min.insync.replicas=4 and 3 replicas, and so takes no message: kafka-configs.sh ");
        await SetAsync("min.insync.replicas", "2");

        // The messages of the services themselves when a right is missing.
        await ExecuteAsync(_database, $"GRANT USAGE, CREATE ON SCHEMA public TO {Owner}");
        Says(await ProvisionAsync(Name, Owner, names), "Schema is up to date");
        var sensors = new Dictionary<string, string>(names) { ["SENSOR_TYPE"] = "temperature" };
        var consumer = new Dictionary<string, string>(names) { ["CONSUMER_ID"] = "c1" };
        await StopsWithAsync("Sensors", sensors, Grant("Write", "topic strange", "--topic strange"));
        await StopsWithAsync("Consumers", consumer, Grant("Write", "topic strange-alerts", "--topic strange-alerts"));
        await cluster.AllowAsync(Name, AclOperation.Write, ResourceType.Topic, "strange", isPrefix: true);
        // A consumer waits for missing read rights.
        await using (var process = Start("Consumers", Name, Owner, consumer))
        {
            await SaysAsync(process, Grant("Read", "group strangers", "--group strangers --resource-pattern-type prefixed"));
            await cluster.AllowAsync(Name, AclOperation.Read, ResourceType.Group, "strangers", isPrefix: true);
            await SaysAsync(process, Grant("Read", "topic strange", "--topic strange"));
        }

        await cluster.AllowAsync(Name, AclOperation.Read, ResourceType.Topic, "strange");
        (code, output) = await CheckAsync(Name, Owner, names);
        Assert.True(code == 0, output);
        Says(output, "TLSv1.3");

        string Grant(string operation, string resource, string where) =>
            $"User:{Name} lacks the right {operation} on {resource}; grant it: kafka-acls.sh --bootstrap-server {cluster.BootstrapServers} --command-config ADMIN.properties --add --allow-principal User:{Name} --operation {operation} {where}";

        async Task StopsWithAsync(string service, Dictionary<string, string> settings, string line)
        {
            await using var process = Start(service, Name, Owner, settings);
            await SaysAsync(process, line);
            var ended = process.WaitAsync(Timeout);
            await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(20), Timeout));
            Assert.True(ended.IsCompleted, $"{service} does not end: {process.Output}");
            Assert.True(await ended == 1, $"{service} ends with {await ended}: {process.Output}");
        }

        Task SetAsync(string setting, string value) => cluster.Admin.IncrementalAlterConfigsAsync(new()
        {
            [new ConfigResource { Type = ResourceType.Topic, Name = "strange" }] = [new() { Name = setting, Value = value, IncrementalOperation = AlterConfigOpType.Set }],
        });
    }

    [Fact]
    public async Task Who_signs_in_by_a_certificate_is_known_by_its_subject()
    {
        var (certificate, key, _) = cluster.Authority.Issue("machine", "machine-7");
        await AllowProvisioningAsync("CN=machine-7", "by-certificate");
        var (_, output) = await CheckAsync("machine", Owner, new()
        {
            ["KAFKA_BROKERS"] = cluster.CertificateServers,
            ["Kafka__Security__Protocol"] = "ssl",
            ["Kafka__Security__Mechanism"] = "",
            ["Kafka__Security__Username"] = "",
            ["Kafka__Security__PasswordFile"] = "",
            ["Kafka__Security__CertificateFile"] = certificate,
            ["Kafka__Security__KeyFile"] = key,
            ["SENSOR_TOPIC"] = "by-certificate",
        });

        Says(output, $"ok    kafka                3 brokers answer User:CN=machine-7 at {cluster.CertificateServers}");
        Says(output, "ok    topic by-certificate will be created: 6 partitions, 3 replicas");
    }

    [Fact]
    public async Task Who_signs_in_by_a_token_gets_it_with_a_client_secret()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        await using var issuer = builder.Build();
        issuer.MapPost("/token", (HttpRequest request) => request.Headers.Authorization == $"Basic {Convert.ToBase64String("machine-8:token-secret"u8)}"
            ? Results.Json(new { access_token = Token("machine-8"), token_type = "Bearer", expires_in = 300 })
            : Results.Unauthorized());
        await issuer.StartAsync(Timeout);
        await AllowProvisioningAsync("machine-8", "by-token");
        var secret = Path.Combine(cluster.Home, "token.secret");
        await File.WriteAllTextAsync(secret, "token-secret\n", Timeout);
        var (_, output) = await CheckAsync("machine", Owner, new()
        {
            ["KAFKA_BROKERS"] = cluster.TokenServers,
            ["Kafka__Security__Mechanism"] = "OAUTHBEARER",
            ["Kafka__Security__Username"] = "",
            ["Kafka__Security__PasswordFile"] = "",
            ["Kafka__Security__TokenUrl"] = $"{issuer.Urls.First()}/token",
            ["Kafka__Security__ClientId"] = "machine-8",
            ["Kafka__Security__ClientSecretFile"] = secret,
            ["SENSOR_TOPIC"] = "by-token",
        });

        Says(output, $"ok    kafka                3 brokers answer User:machine-8 at {cluster.TokenServers}");
        Says(output, "ok    topic by-token       will be created: 6 partitions, 3 replicas");

        // An unsigned token, which Kafka's brokers accept if nothing else is configured.
        static string Token(string subject)
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            return $"{Encode("{\"alg\":\"none\"}")}.{Encode($"{{\"sub\":\"{subject}\",\"iat\":{now},\"exp\":{now + 300}}}")}.";
        }

        static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
    }

    private async Task AllowProvisioningAsync(string principal, string topics)
    {
        foreach (var operation in new[] { AclOperation.Describe, AclOperation.DescribeConfigs, AclOperation.Create })
        {
            await cluster.AllowAsync(principal, operation, ResourceType.Topic, topics, isPrefix: true);
        }
    }

    /// <summary>Makes the database of this test accept only TLS and passwords from the roles of the services.</summary>
    private async Task SecurePostgresAsync()
    {
        cluster.Authority.Issue("postgres", "postgres");
        using var other = new Authority(cluster.Home, "somebody-else");
        other.Issue("untrusted", "postgres");
        // PostgreSQL runs as another user, and refuses a key that others can read.
        foreach (var name in new[] { "postgres", "untrusted" })
        {
            if (Environment.UserName == "root")
            {
                using var chown = System.Diagnostics.Process.Start("chown", ["postgres", Path.Combine(cluster.Home, $"{name}.key")]);
                await chown.WaitForExitAsync(Timeout);
            }

            File.SetUnixFileMode(Path.Combine(cluster.Home, $"{name}.key"), UnixFileMode.UserRead);
        }

        File.SetUnixFileMode(cluster.Home, File.GetUnixFileMode(cluster.Home) | UnixFileMode.OtherExecute);
        foreach (var (role, password) in new[] { (Owner, "owner-secret"), (App, "app-secret") })
        {
            await ExecuteAsync("postgres", $"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; ALTER ROLE {role} PASSWORD '{password}'");
            WritePassfile(role, password);
        }

        await ExecuteAsync("postgres", $"CREATE DATABASE {_database} OWNER {Owner}");
        await File.WriteAllTextAsync(
            (await ScalarAsync<string>("SHOW hba_file"))!,
            $"host all factory_user 127.0.0.1/32 trust\nlocal all all trust\nhostssl all {Owner},{App} 127.0.0.1/32 scram-sha-256\n",
            Timeout);
        await ExecuteAsync("postgres", "ALTER SYSTEM SET ssl = on");
        await ShowPostgresCertificateAsync("postgres");
    }

    private async Task ShowPostgresCertificateAsync(string name)
    {
        await ExecuteAsync("postgres", $"ALTER SYSTEM SET ssl_cert_file = '{Path.Combine(cluster.Home, name)}.crt'");
        await ExecuteAsync("postgres", $"ALTER SYSTEM SET ssl_key_file = '{Path.Combine(cluster.Home, name)}.key'");
        await ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        await Task.Delay(TimeSpan.FromMilliseconds(300), Timeout);
        await DropConnectionsAsync();
    }

    private Task DropConnectionsAsync() =>
        ExecuteAsync("postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('{Owner}', '{App}')");

    /// <summary>Grants each service the rights that docs/external.md lists.</summary>
    private async Task AllowServicesAsync()
    {
        foreach (var user in new[] { "provisioner", "sensors", "consumers", "monitor" })
        {
            await cluster.SetPasswordAsync(user, $"{user}-secret");
            WritePassword(user, $"{user}-secret");
        }

        foreach (var topic in Names.Topics())
        {
            foreach (var operation in new[] { AclOperation.Create, AclOperation.Describe, AclOperation.DescribeConfigs, AclOperation.Alter })
            {
                await cluster.AllowAsync("provisioner", operation, ResourceType.Topic, topic.Name);
            }
        }

        await cluster.AllowAsync("sensors", AclOperation.Write, ResourceType.Topic, Names.SensorTopic);
        await cluster.AllowAsync("consumers", AclOperation.Read, ResourceType.Topic, Names.SensorTopic);
        await cluster.AllowAsync("consumers", AclOperation.Write, ResourceType.Topic, Names.AlertTopic);
        await cluster.AllowAsync("consumers", AclOperation.Write, ResourceType.Topic, Names.DeadLetterTopic);
        await cluster.AllowAsync("consumers", AclOperation.Read, ResourceType.Group, Group, isPrefix: true);
        await cluster.AllowAsync("monitor", AclOperation.Describe, ResourceType.Topic, Names.SensorTopic);
    }

    private ServiceProcess Start(string service, string user, string role, Dictionary<string, string> settings, params string[] arguments)
    {
        Dictionary<string, string> environment = new()
        {
            ["KAFKA_BROKERS"] = cluster.BootstrapServers,
            ["CONSUMER_GROUP"] = Group,
            ["Kafka__Security__Protocol"] = "sasl_ssl",
            ["Kafka__Security__Mechanism"] = "SCRAM-SHA-512",
            ["Kafka__Security__Username"] = user,
            ["Kafka__Security__PasswordFile"] = Path.Combine(cluster.Home, $"{user}.password"),
            ["Kafka__Security__CaFile"] = cluster.Authority.CaFile,
            ["DATABASE_URL"] = $"postgresql://{role}@127.0.0.1:{cluster.Postgres.Port}/{_database}?sslmode=verify-full&sslrootcert={cluster.Authority.CaFile}&passfile={Passfile(role)}",
        };
        foreach (var (name, value) in settings)
        {
            environment[name] = value;
        }

        return ServiceProcess.Start(service, environment, arguments);
    }

    private async Task<int> RunAsync(string user)
    {
        await using var provisioner = Start("FactoryMonitoring.Provisioner", user, Owner, []);
        var code = await provisioner.WaitAsync(Timeout);
        Assert.True(code == 0, provisioner.Output);
        return code;
    }

    private async Task<string> ProvisionAsync(string user, string role, Dictionary<string, string> settings)
    {
        await using var provisioner = Start("FactoryMonitoring.Provisioner", user, role, settings);
        await provisioner.WaitAsync(Timeout);
        return provisioner.Output;
    }

    private async Task<(int Code, string Output)> CheckAsync(string user, string role, Dictionary<string, string> settings)
    {
        await using var check = Start("FactoryMonitoring.Provisioner", user, role, settings, "check");
        return (await check.WaitAsync(Timeout), check.Output);
    }

    private void WritePassword(string user, string password) => File.WriteAllText(Path.Combine(cluster.Home, $"{user}.password"), password + "\n");

    private string Passfile(string role) => Path.Combine(cluster.Home, $"{role}.pgpass");

    private void WritePassfile(string role, string password)
    {
        File.WriteAllText(Passfile(role), $"127.0.0.1:*:*:{role}:{password}\n");
        File.SetUnixFileMode(Passfile(role), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Like Assert.Contains, which shows only the beginning of the text.</summary>
    private static void Says(string output, string text) => Assert.True(output.Contains(text, StringComparison.Ordinal), $"Not found: {text}\nin: {output}");

    private async Task SaysAsync(ServiceProcess service, string text, TimeSpan? patience = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Timeout);
        limit.CancelAfter(patience ?? Patience);
        try
        {
            await DatabaseTest.EventuallyAsync(() => Task.FromResult(service.Output.Contains(text, StringComparison.Ordinal)), limit.Token);
        }
        catch (OperationCanceledException)
        {
            Says(service.Output, text);
        }
    }

    /// <summary>Returns the account when nothing is in flight any more.</summary>
    private async Task<LedgerBody> SettledAsync(ServiceProcess api)
    {
        var body = "";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Timeout);
        limit.CancelAfter(Patience);
        try
        {
            LedgerBody? ledger = null;
            await DatabaseTest.EventuallyAsync(
                async () =>
                {
                    body = await api.GetAsync("api/ledger", limit.Token) ?? "";
                    ledger = body.Length > 0 ? JsonSerializer.Deserialize(body, ApiJson.Context.LedgerBody) : null;
                    return ledger is { Stale: false, InFlight: 0, Acknowledged: > 1000 } && ledger.StoredAcknowledged == ledger.Acknowledged;
                },
                limit.Token);
            return ledger!;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The account is not settled: {body}\n{api.Output}");
        }
    }

    /// <summary>Waits until readings that are measured from now on are stored.</summary>
    private async Task FlowsAsync()
    {
        var now = await ScalarAsync<DateTime>("SELECT clock_timestamp()");
        await EventuallyAsync(async () => await ScalarAsync<long>($"SELECT count(*) FROM readings WHERE \"timestamp\" > '{now:O}'") > 50);
    }

    private async Task<T?> ScalarAsync<T>(string sql)
    {
        await using var dataSource = Superuser(_database);
        await using var command = dataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Timeout) is T value ? value : default;
    }

    private async Task ExecuteAsync(string database, string sql)
    {
        await using var dataSource = Superuser(database);
        await using var command = dataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Timeout);
    }

    private NpgsqlDataSource Superuser(string database) => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1", Port = cluster.Postgres.Port, Username = "factory_user", Database = database, Pooling = false, SslMode = SslMode.Disable, CommandTimeout = 30,
    });

    private Task EventuallyAsync(Func<Task<bool>> condition) => DatabaseTest.EventuallyAsync(condition, Timeout);
}
