using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Consumers;

internal static class ConsumerWords
{
    public static string Level(ConsumerHealthBody consumer) => consumer switch
    {
        { Status: not "active" } => "critical",
        { Condition: not null } => "warning",
        _ => "ok",
    };
}
