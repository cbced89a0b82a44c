using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Consumers;

internal static class ConsumerWords
{
    public static string State(ConsumerHealthBody consumer) => consumer.Stopped ? "stopped" : consumer.Condition ?? consumer.Status;

    public static string Level(ConsumerHealthBody consumer) => consumer switch
    {
        { Stopped: true } => "idle",
        { Status: not "active" } => "critical",
        { Condition: not null } => "warning",
        _ => "ok",
    };
}
