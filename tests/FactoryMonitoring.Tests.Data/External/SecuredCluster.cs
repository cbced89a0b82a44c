using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace FactoryMonitoring.Tests.Data.External;

/// <summary>
/// Three brokers of Apache Kafka as an external operator runs them: clients reach them over TLS, sign in by SCRAM or by a certificate, and may do what ACLs
/// allow. The test is a superuser on a separate listener. Also has a PostgreSQL that no other test uses. Needs KAFKA_HOME.
/// </summary>
public sealed class SecuredCluster : IAsyncLifetime
{
    private const int Nodes = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly (int Client, int Certificate, int Token, int Internal, int Controller)[] _ports =
        [.. Enumerable.Range(0, Nodes).Select(_ => (Ports.Free(), Ports.Free(), Ports.Free(), Ports.Free(), Ports.Free()))];

    private readonly KafkaPrograms _programs;
    private readonly Process?[] _brokers = new Process?[Nodes];
    private Authority _authority = null!;
    private IAdminClient _admin = null!;

    public SecuredCluster() => _programs = new(Path.Combine(Home, "log"), heap: 256);

    public string Home { get; } = Directory.CreateTempSubdirectory("factory-secured-").FullName;

    /// <summary>Bootstrap list for clients that sign in by SCRAM over TLS.</summary>
    public string BootstrapServers => string.Join(',', _ports.Select(port => $"127.0.0.1:{port.Client}"));

    /// <summary>Bootstrap list for clients that sign in by a certificate.</summary>
    public string CertificateServers => string.Join(',', _ports.Select(port => $"127.0.0.1:{port.Certificate}"));

    /// <summary>Bootstrap list for clients that sign in by a token, which need not be signed.</summary>
    public string TokenServers => string.Join(',', _ports.Select(port => $"127.0.0.1:{port.Token}"));

    public PostgresFixture Postgres { get; } = new();

    public Authority Authority => _authority;

    /// <summary>The client of the superuser.</summary>
    public IAdminClient Admin => _admin;

    public async Task InitializeAsync()
    {
        await Postgres.InitializeAsync();
        _authority = new Authority(Home, "plant-ca");
        var id = KafkaPrograms.NewId();
        var formats = Enumerable.Range(1, Nodes).Select(node =>
        {
            _authority.Issue($"broker{node}", "broker");
            _authority.Issue($"broker{node}-expired", "broker", isExpired: true);
            File.WriteAllLines(Properties(node), Configuration(node));
            return _programs.Run("kafka-storage.sh", "format", "-t", id, "-c", Properties(node), "--add-scram", "SCRAM-SHA-512=[name=admin,password=admin-secret]");
        }).ToList();
        foreach (var format in formats)
        {
            await format.WaitForExitAsync();
            Assert.True(format.ExitCode == 0, Output);
            format.Dispose();
        }

        _admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = string.Join(',', _ports.Select(port => $"127.0.0.1:{port.Internal}")) })
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        for (var node = 1; node <= Nodes; node++)
        {
            Start(node);
        }

        await AllAreUpAsync();
    }

    public async Task AllAreUpAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        await DatabaseTest.EventuallyAsync(() => Task.Run(() => BrokersUp() == Nodes), limit.Token);
    }

    public async Task DisposeAsync()
    {
        await Postgres.DisposeAsync();
        _admin.Dispose();
        for (var node = 1; node <= Nodes; node++)
        {
            if (_brokers[node - 1] is not null)
            {
                await KillAsync(node);
            }
        }

        _authority.Dispose();
        Directory.Delete(Home, recursive: true);
    }

    /// <summary>Creates a user, or changes its password.</summary>
    public Task SetPasswordAsync(string user, string password) => _admin.AlterUserScramCredentialsAsync(
        [new UserScramCredentialUpsertion
        {
            User = user, Password = System.Text.Encoding.UTF8.GetBytes(password), ScramCredentialInfo = new() { Mechanism = ScramMechanism.ScramSha512, Iterations = 4096 },
        }]);

    public Task AllowAsync(string principal, AclOperation operation, ResourceType type, string name, bool isPrefix = false) => _admin.CreateAclsAsync(
        [new AclBinding
        {
            Pattern = new ResourcePattern { Type = type, Name = name, ResourcePatternType = isPrefix ? ResourcePatternType.Prefixed : ResourcePatternType.Literal },
            Entry = new AccessControlEntry { Principal = $"User:{principal}", Host = "*", Operation = operation, PermissionType = AclPermissionType.Allow },
        }]);

    /// <summary>Makes every broker present its expired certificate, or its valid one, to clients that connect from now on.</summary>
    public Task ShowCertificateAsync(bool isExpired) => Task.WhenAll(Enumerable.Range(1, Nodes).Select(node => _admin.IncrementalAlterConfigsAsync(new()
    {
        [new ConfigResource { Type = ResourceType.Broker, Name = $"{node}" }] =
            [new() { Name = "listener.name.client.ssl.keystore.location", Value = Keystore(node, isExpired), IncrementalOperation = AlterConfigOpType.Set }],
    })));

    public void Start(int node) => _brokers[node - 1] = _programs.Run("kafka-server-start.sh", Properties(node));

    public async Task KillAsync(int node)
    {
        var process = _brokers[node - 1]!;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _brokers[node - 1] = null;
    }

    private string Output => _programs.Output;

    private string Properties(int node) => Path.Combine(Home, $"broker{node}.properties");

    private string Keystore(int node, bool isExpired) => Path.Combine(Home, $"broker{node}{(isExpired ? "-expired" : "")}.pem");

    private int BrokersUp()
    {
        try
        {
            return _admin.GetMetadata(TimeSpan.FromSeconds(1)).Brokers.Count;
        }
        catch (KafkaException)
        {
            return 0;
        }
    }

    private string[] Configuration(int node)
    {
        var (client, certificate, token, own, controller) = _ports[node - 1];
        return
        [
            "process.roles=broker,controller",
            $"node.id={node}",
            $"controller.quorum.voters={string.Join(',', _ports.Select((port, index) => $"{index + 1}@127.0.0.1:{port.Controller}"))}",
            $"listeners=CLIENT://127.0.0.1:{client},CERTIFICATE://127.0.0.1:{certificate},TOKEN://127.0.0.1:{token},INTERNAL://127.0.0.1:{own},CONTROLLER://127.0.0.1:{controller}",
            $"advertised.listeners=CLIENT://127.0.0.1:{client},CERTIFICATE://127.0.0.1:{certificate},TOKEN://127.0.0.1:{token},INTERNAL://127.0.0.1:{own}",
            "controller.listener.names=CONTROLLER",
            "inter.broker.listener.name=INTERNAL",
            "listener.security.protocol.map=CLIENT:SASL_SSL,CERTIFICATE:SSL,TOKEN:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:ANONYMOUS;User:admin",
            "listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512",
            "listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER",
            "listener.name.token.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";",
            $"listener.name.token.ssl.keystore.location={Keystore(node, false)}",
            "listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
            // Closes connections that were signed in with an old password after it was changed.
            "connections.max.reauth.ms=3000",
            "ssl.keystore.type=PEM",
            "ssl.truststore.type=PEM",
            $"ssl.truststore.location={_authority.CaFile}",
            $"listener.name.client.ssl.keystore.location={Keystore(node, false)}",
            $"listener.name.certificate.ssl.keystore.location={Keystore(node, false)}",
            "listener.name.certificate.ssl.client.auth=required",
            $"log.dirs={Path.Combine(Home, $"data{node}")}",
            .. KafkaPrograms.QuickCluster,
        ];
    }
}
