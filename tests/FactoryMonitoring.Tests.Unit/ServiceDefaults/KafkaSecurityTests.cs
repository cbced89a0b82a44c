using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class KafkaSecurityTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public KafkaSecurityTests() => File.WriteAllText(_file, "from-file\n");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Nothing_set_is_no_security()
    {
        var (security, problem) = KafkaSecurity.Read([new("", null), new("Protocol", "")]);

        Assert.Null(problem);
        Assert.False(security.IsSecured);
    }

    [Theory]
    [InlineData("Protocol=ssl", "security.protocol=ssl")]
    [InlineData("Protocol=SASL_SSL Mechanism=scram-sha-512 Username=u PasswordFile=F CaFile=F EndpointIdentification=none",
        "sasl.mechanism=SCRAM-SHA-512 sasl.password=from-file sasl.username=u security.protocol=sasl_ssl ssl.ca.location=F ssl.endpoint.identification.algorithm=none")]
    [InlineData("Protocol=sasl_plaintext Mechanism=PLAIN Username=u Password=p", "sasl.mechanism=PLAIN sasl.password=p sasl.username=u security.protocol=sasl_plaintext")]
    [InlineData("Protocol=sasl_ssl Mechanism=OAUTHBEARER TokenUrl=https://i/t ClientId=c ClientSecret=s Scope=x TokenCaFile=F",
        "https.ca.location=F sasl.mechanism=OAUTHBEARER sasl.oauthbearer.client.id=c sasl.oauthbearer.client.secret=s sasl.oauthbearer.method=oidc sasl.oauthbearer.scope=x sasl.oauthbearer.token.endpoint.url=https://i/t security.protocol=sasl_ssl")]
    public void Settings_become_the_clients_properties(string settings, string properties)
    {
        var (security, problem) = Read(settings);

        Assert.Null(problem);
        Assert.Equal(properties.Replace("=F", $"={_file}", StringComparison.Ordinal), string.Join(' ', security.Properties.Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal)));
        // The client knows all of these properties.
        using var client = new Confluent.Kafka.AdminClientBuilder(security.Properties.Where(pair => pair.Value != _file && pair.Key != "ssl.key.password").ToDictionary()).Build();
    }

    [Theory]
    [InlineData("Mechanism=PLAIN", "Protocol is not set; must be plaintext, ssl, sasl_plaintext, sasl_ssl")]
    [InlineData("Protocol=ssl Pasword=hunter2", "Pasword: there is no such setting; must be one of Protocol, ")]
    [InlineData("Protocol=sasl_ssl", "Mechanism is not set; must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER")]
    [InlineData("Protocol=sasl_ssl Mechanism=GSSAPI", "Mechanism = GSSAPI: must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER")]
    [InlineData("Protocol=sasl_ssl Mechanism=PLAIN Username=u", "Password (or PasswordFile) is not set; must be the user's password")]
    [InlineData("Protocol=sasl_ssl Mechanism=PLAIN Username=u Password=hunter2 PasswordFile=F", "Password and Kafka:Security:PasswordFile are both set; set one of them")]
    [InlineData("Protocol=ssl Username=u", "Username is not allowed where Kafka:Security:Protocol is ssl: it belongs to sasl_plaintext or sasl_ssl")]
    [InlineData("Protocol=plaintext CaFile=F", "CaFile is not allowed where Kafka:Security:Protocol is plaintext: it belongs to ssl or sasl_ssl")]
    [InlineData("Protocol=sasl_ssl Mechanism=PLAIN Username=u Password=hunter2 ClientId=c", "ClientId is not allowed where Kafka:Security:Mechanism is PLAIN: it belongs to OAUTHBEARER")]
    [InlineData("Protocol=ssl KeyFile=F", "CertificateFile is not set; must be a PEM file: a certificate and its key go together")]
    [InlineData("Protocol=ssl CertificateFile=F KeyFile=F", "CertificateFile = ")]
    [InlineData("Protocol=ssl CaFile=/no/such/file", "CaFile = /no/such/file cannot be read (")]
    [InlineData("Protocol=sasl_ssl Mechanism=OAUTHBEARER TokenUrl=here ClientId=c ClientSecret=hunter2", "TokenUrl = here: must be the https:// URL of the token endpoint")]
    public void What_is_wrong_is_one_line_that_names_no_secret(string settings, string line)
    {
        var (security, problem) = Read(settings);

        Assert.False(security.IsSecured);
        Assert.StartsWith($"Kafka:Security:{line}", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", problem, StringComparison.Ordinal);
    }

    private (KafkaSecurity Security, string? Problem) Read(string settings) => KafkaSecurity.Read(
        settings.Replace("=F", $"={_file}", StringComparison.Ordinal).Split(' ').Select(pair => pair.Split('=', 2)).Select(pair => new KeyValuePair<string, string?>(pair[0], pair[1])));
}
