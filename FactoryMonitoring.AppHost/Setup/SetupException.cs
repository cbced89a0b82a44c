namespace FactoryMonitoring.AppHost.Setup;

/// <summary>The factory cannot be started as it is set up. The message is one line per problem, each with its remedy.</summary>
internal sealed class SetupException(string message) : Exception(message);
