using System.Runtime.Versioning;
using System.Text.Json;

namespace FactoryMonitoring.Tests.Containers;

public sealed class StackTests(ComposeStack stack) : ComposeTest(stack)
{
    private static readonly string[] Services = [.. Consumers, .. Sensors, "monitoring", "monitoring-api"];

    [ContainerFact]
    public async Task The_names_of_the_containers_are_those_of_the_handout()
    {
        var names = await DockerAsync("ps", "--all", "--filter", "label=com.docker.compose.project=factory-monitoring-test", "--format", "{{.Names}}");

        Assert.Equal(
            [.. Services.Concat(Brokers).Append("postgres").Append("provisioner").Order(StringComparer.Ordinal)],
            names.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [ContainerFact]
    public async Task Each_image_has_a_bill_of_materials()
    {
        var versions = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "Directory.Packages.props"));
        foreach (var image in (string[])["provisioner", "sensors", "consumers", "monitoring-api", "monitoring-web"])
        {
            await using var file = File.OpenRead(Path.Combine(Repository.Root, "artifacts", "sbom", $"{image}.json"));
            using var bill = await JsonDocument.ParseAsync(file);

            Assert.Equal("CycloneDX", bill.RootElement.GetProperty("bomFormat").GetString());
            Assert.Equal($"factory-monitoring/{image}", bill.RootElement.GetProperty("metadata").GetProperty("component").GetProperty("name").GetString());
            var client = bill.RootElement.GetProperty("components").EnumerateArray().Single(component => component.GetProperty("name").GetString() == "Confluent.Kafka");
            Assert.Contains($"""Include="Confluent.Kafka" Version="{client.GetProperty("version").GetString()}" """.TrimEnd(), versions, StringComparison.Ordinal);
        }
    }

    [ContainerFact]
    public async Task Every_container_becomes_healthy()
    {
        foreach (var name in Services.Concat(Brokers).Append("postgres"))
        {
            await EventuallyContainerAsync(name, container => container.GetProperty("State").GetProperty("Health").GetProperty("Status").GetString() == "healthy");
        }
    }

    [ContainerFact]
    public async Task Services_are_not_root_write_nothing_and_have_no_capabilities()
    {
        foreach (var name in Services)
        {
            var container = await InspectAsync(name);
            var host = container.GetProperty("HostConfig");

            Assert.Equal("1654", container.GetProperty("Config").GetProperty("User").GetString());
            Assert.True(host.GetProperty("ReadonlyRootfs").GetBoolean());
            Assert.Equal(["ALL"], host.GetProperty("CapDrop").EnumerateArray().Select(capability => capability.GetString()));
        }
    }

    [ContainerFact]
    [UnsupportedOSPlatform("windows")]
    public async Task No_secret_is_in_what_the_engine_shows_in_a_log_a_command_line_or_a_file_that_others_can_read()
    {
        var secrets = Directory.EnumerateFiles(Stack.Secrets).Where(file => new FileInfo(file).Length > 0).ToDictionary(file => Path.GetFileName(file), file => File.ReadAllText(file).Trim().Split('=')[^1]);
        Assert.Equal(
            ["audit-password", "dashboard-token", "dashboard.json", "grafana-password", "ingest-password", "monitor-password", "otlp-headers", "postgres-password", "sensor-password"],
            secrets.Keys.Order(StringComparer.Ordinal));
        foreach (var name in Services.Concat(Brokers).Append("postgres").Append("provisioner"))
        {
            var shown = await DockerAsync("inspect", name) + await DockerAsync("logs", name) + (name == "provisioner" ? "" : await DockerAsync("top", name, "-eo", "pid,args"));
            Assert.All(secrets, secret => Assert.False(shown.Contains(secret.Value, StringComparison.Ordinal), $"{secret.Key} is shown of {name}"));
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Stack.Secrets));
        // Only root can give a file to the containers' user; the directory is closed in any case.
        var mode = Environment.IsPrivilegedProcess ? UnixFileMode.UserRead | UnixFileMode.UserWrite : UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        Assert.All(Directory.EnumerateFiles(Stack.Secrets), file => Assert.Equal((file, mode), (file, File.GetUnixFileMode(file))));
        var environment = await File.ReadAllTextAsync(Stack.Secrets[..^".secrets".Length]);
        Assert.DoesNotContain(secrets, secret => environment.Contains(secret.Value, StringComparison.Ordinal));
    }

    [ContainerFact]
    public async Task Each_service_signs_in_to_the_database_as_its_own_role_and_none_as_a_superuser() => Assert.Equal(
        ["consumer|factory_ingest|f", "monitoring-api|factory_monitor|f", "sensor|factory_sensor|f"],
        await PsqlAsync("""
            SELECT DISTINCT CASE WHEN application_name ~ '^(ingest of )?sensor-consumer-' THEN 'consumer' WHEN application_name LIKE '%-sensor' THEN 'sensor' ELSE application_name END, usename, rolsuper
            FROM pg_stat_activity JOIN pg_roles ON rolname = usename WHERE backend_type = 'client backend' AND application_name NOT IN ('psql', 'provisioner', 'monitoring-web') ORDER BY 1
            """));

    [ContainerFact]
    public async Task Memory_and_logs_are_bounded_and_ports_are_on_loopback()
    {
        foreach (var name in Services.Concat(Brokers).Append("postgres").Append("provisioner"))
        {
            var host = (await InspectAsync(name)).GetProperty("HostConfig");

            Assert.True(host.GetProperty("Memory").GetInt64() > 0, name);
            Assert.Equal("10m", host.GetProperty("LogConfig").GetProperty("Config").GetProperty("max-size").GetString());
            Assert.All(
                host.GetProperty("PortBindings").EnumerateObject().SelectMany(port => port.Value.EnumerateArray()),
                binding => Assert.Equal("127.0.0.1", binding.GetProperty("HostIp").GetString()));
        }
    }

    [ContainerFact]
    public async Task The_log_of_the_page_is_there_and_holds_no_error()
    {
        var log = await DockerAsync("logs", "monitoring");

        Assert.Contains("Now listening", log, StringComparison.Ordinal);
        Assert.DoesNotContain("fail:", log, StringComparison.Ordinal);
    }

    [ContainerFact]
    public async Task The_query_of_the_handout_answers_three_consumers()
    {
        var rows = await PsqlAsync("SELECT * FROM consumer_health ORDER BY last_heartbeat DESC;");

        Assert.Equal(Consumers, rows.Select(row => row.Split('|')[0]).Order(StringComparer.Ordinal));
    }
}
