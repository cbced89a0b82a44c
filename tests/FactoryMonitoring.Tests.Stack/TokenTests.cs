using System.Net;
using System.Net.Http.Headers;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>Who can command the AppHost: only holders of the token of its control endpoint.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class TokenTests(EmbeddedStack stack)
{
    [Fact]
    public async Task The_fault_lab_alone_holds_the_token()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        string[] services =
        [
            ResourceNames.MonitoringApi, ResourceNames.MonitoringWeb, .. SensorCatalog.Types.Keys.Select(ResourceNames.Sensor), .. Enumerable.Range(1, 3).Select(ResourceNames.Consumer),
        ];

        Assert.Contains(stack.Token, await EnvironmentAsync(ResourceNames.FaultLab), StringComparison.Ordinal);
        foreach (var service in services)
        {
            var environment = await EnvironmentAsync(service);
            Assert.DoesNotContain(stack.Token, environment, StringComparison.Ordinal);
            Assert.DoesNotContain("Factory__Control__", environment, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Each_service_signs_in_to_the_database_as_its_own_role_and_none_as_a_superuser()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));

        await using var command = stack.Database.CreateCommand("""
            SELECT DISTINCT CASE WHEN application_name ~ '^(ingest of )?sensor-consumer-' THEN 'consumer' WHEN application_name LIKE '%-sensor' THEN 'sensor' ELSE application_name END,
                usename::text, rolsuper
            FROM pg_stat_activity JOIN pg_roles ON rolname = usename WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name NOT IN ('', 'apphost', 'provisioner')
            ORDER BY 1
            """);
        await using var reader = await command.ExecuteReaderAsync();
        var sessions = new List<(string, string, bool)>();
        while (await reader.ReadAsync()) sessions.Add((reader.GetString(0), reader.GetString(1), reader.GetBoolean(2)));

        Assert.Equal([("consumer", "factory_ingest", false), ("monitoring-api", "factory_monitor", false), ("sensor", "factory_sensor", false)], sessions.Where(session => session.Item1 is not (ResourceNames.FaultLab or ResourceNames.MonitoringWeb)));
        Assert.All(sessions.Where(session => session.Item1 == ResourceNames.FaultLab), session => Assert.Equal("factory_monitor", session.Item2));
        // Monitoring.Web connects only after it has refused something.
        Assert.All(sessions.Where(session => session.Item1 == ResourceNames.MonitoringWeb), session => Assert.Equal("factory_audit", session.Item2));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task No_secret_is_in_a_command_line_a_log_or_a_file_that_others_can_read()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var stackFile = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(stack.RunDirectory, "stack.json")))!;
        var administrator = stackFile["postgres_password"]!.GetValue<string>();
        var provided = Regex.Matches(await EnvironmentAsync(ResourceNames.MonitoringApi) + await EnvironmentAsync(ResourceNames.Consumer(1)) + await EnvironmentAsync(ResourceNames.Sensor("temperature")), "Password=([0-9a-f]{32})");
        string[] secrets = [stack.Token, administrator, .. provided.Select(match => match.Groups[1].Value)];
        Assert.Equal(5, secrets.Distinct().Count());
        Assert.Contains(stackFile["postgres_sensor_password"]!.GetValue<string>(), secrets);
        // None of the services can become the administrator.
        Assert.DoesNotContain(provided, match => match.Groups[1].Value == administrator);

        string[] shown =
        [
            .. Directory.EnumerateDirectories("/proc").Select(process => Path.Combine(process, "cmdline")).Where(File.Exists),
            .. Directory.EnumerateFiles(stack.RunDirectory, "*", SearchOption.AllDirectories).Where(file => !file.Contains("/postgres/data/", StringComparison.Ordinal)),
        ];
        var found = new List<string>();
        foreach (var file in shown)
        {
            try
            {
                if (!file.StartsWith("/proc", StringComparison.Ordinal) && (File.GetUnixFileMode(file) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) == 0) continue;
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var text = new StreamReader(stream);
                var content = await text.ReadToEndAsync();
                if (secrets.Any(secret => content.Contains(secret, StringComparison.Ordinal))) found.Add(file);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The process has exited, or the file is gone.
            }
        }

        Assert.Contains(shown, file => file.EndsWith("/logs/postgres.log", StringComparison.Ordinal));
        Assert.Equal([], found);
    }

    [Fact]
    public async Task No_port_answers_to_another_name()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var stackFile = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(stack.RunDirectory, "stack.json")))!;
        var control = new Uri(stackFile["url"]!.GetValue<string>());
        string[] services =
        [
            ResourceNames.MonitoringApi, ResourceNames.MonitoringWeb, ResourceNames.FaultLab, "embedded-kafka", ResourceNames.Sensor("temperature"), ResourceNames.Consumer(1),
        ];
        using var client = new HttpClient();
        async Task<HttpStatusCode> AskAsync(Uri address, string? host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Host = host, Authorization = new AuthenticationHeaderValue("Bearer", stack.Token) } };
            using var response = await client.SendAsync(request);
            return response.StatusCode;
        }

        foreach (var address in services.Select(service => new Uri(stack.App.GetEndpoint(service, "http"), "/alive")).Append(new Uri(control, "/resources")))
        {
            Assert.Equal((address, HttpStatusCode.OK), (address, await AskAsync(address, null)));
            Assert.Equal((address, HttpStatusCode.BadRequest), (address, await AskAsync(address, $"elsewhere.example:{address.Port}")));
        }
    }

    [Fact]
    public async Task An_embedded_broker_goes_down_for_the_AppHost_alone()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        using var client = new HttpClient { BaseAddress = stack.App.GetEndpoint("embedded-kafka", "http") };
        using var response = await client.PostAsync(new Uri("/brokers/1/down", UriKind.Relative), content: null);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    // The environment that the process was started with.
    private async Task<string> EnvironmentAsync(string resource) =>
        await File.ReadAllTextAsync($"/proc/{await stack.ProcessIdAsync(resource)}/environ");
}
