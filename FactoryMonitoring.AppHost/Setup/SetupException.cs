namespace FactoryMonitoring.AppHost.Setup;

/// <summary>The factory cannot be started with this setup. The message has one line per problem, each with its remedy.</summary>
internal sealed class SetupException(string message) : Exception(message);
