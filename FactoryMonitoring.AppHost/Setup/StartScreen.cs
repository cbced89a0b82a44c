using System.Globalization;
using System.Text;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>The summary that is printed at the start.</summary>
internal static class StartScreen
{
    public static string Render(FactorySetup setup)
    {
        var settings = setup.Settings;
        var text = new StringBuilder();
        text.AppendLine();
        text.AppendLine("Factory Monitoring");
        Line("kafka", $"{setup.Kafka.Backing.ToString().ToLowerInvariant()}: {setup.Kafka.Reason}");
        if (setup.Kafka.Backing == Kafka.KafkaBacking.Embedded) Line("", "the embedded broker keeps nothing over a restart");
        Line("", settings.External.Brokers ?? string.Join(", ", setup.KafkaPorts.Select((port, index) => string.Create(CultureInfo.InvariantCulture, $"kafka{index + 1} {port}"))));
        if (setup.KafkaOutsidePorts.Count > 0) Line("", $"open to other machines, without a password: {string.Join(',', setup.KafkaOutsidePorts)}");
        if (setup.Postgres.IsExternal)
        {
            Line("postgres", $"external: {setup.Postgres.Reason}, {setup.Postgres.Data}");
        }
        else
        {
            Line("postgres", string.Create(CultureInfo.InvariantCulture, $"{(setup.Postgres.Image is null ? "process" : "container")}: {setup.Postgres.Reason}, port {setup.PostgresPort}"));
            Line("", $"data in {setup.Postgres.Data}");
        }
        Line("services", string.Create(CultureInfo.InvariantCulture, $"5 sensors, {settings.Consumers} consumers of {settings.MaxConsumers}, {settings.Partitions} partitions"));
        if (settings.Replay is { } replay) Line("replay", ReplayPreview.Summary(replay));
        Line("page", string.Create(CultureInfo.InvariantCulture, $"http://localhost:{setup.WebPort}"));
        Line("api", string.Create(CultureInfo.InvariantCulture, $"http://localhost:{setup.ApiPort}"));
        if (setup.DashboardUrl is { } dashboard) Line("aspire", dashboard);
        if (setup.PrometheusPort is { } prometheus) Line("metrics", string.Create(CultureInfo.InvariantCulture, $"http://localhost:{prometheus}"));
        Line("logs", setup.LogDirectory);
        text.AppendLine();
        var hasBrokers = setup.Kafka.Backing != Kafka.KafkaBacking.External;
        Line("kill", $"make kill-consumer N=1 | kill-producer NAME=temperature-sensor{(hasBrokers ? " | kill-broker N=2" : "")}   (another terminal)");
        Line("start", $"make start-consumer N=1 | start-producer NAME=temperature-sensor{(hasBrokers ? " | start-broker N=2" : "")}");
        Line("faults", settings.Faults ? $"allowed (Factory:Faults): {(hasBrokers && !setup.Postgres.IsExternal ? "everything" : "what needs no brokers or PostgreSQL of its own")} on the page Fault lab" : "off; Factory:Faults=true allows them");
        if (settings.Faults) Line("break", $"make pause-consumer N=1 | scale CONSUMERS=5{(setup.Postgres.IsExternal ? "" : " | cut-link LINK=database")} | poison COUNT=10 | load RATE=260 SECONDS=30");
        Line("look", $"make status | doctor | logs NAME=sensor-consumer-1{(setup.Postgres.IsExternal ? "" : " | psql")}");
        Line("stop", "Ctrl+C here, or make stop; the next start keeps the data, make reset removes them");
        return text.ToString();

        void Line(string head, string line) => text.AppendLine(CultureInfo.InvariantCulture, $"  {head,-9} {line}");
    }
}
