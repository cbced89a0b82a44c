using FactoryMonitoring.EmbeddedKafka.Cluster;
using Microsoft.Extensions.Options;

LibRdKafka.Register();
try
{
    return await RunServiceExtensions.RunServiceAsync(() =>
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.Services.AddOptions<EmbeddedKafkaOptions>().BindConfiguration(EmbeddedKafkaOptions.Section).PostConfigure(EmbeddedKafkaOptions.Complete).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<EmbeddedKafkaOptions>, EmbeddedKafkaOptionsValidator>();
        builder.Services.AddSingleton<EmbeddedCluster>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EmbeddedCluster>());
        builder.Services.AddHealthChecks().AddCheck<EmbeddedCluster>("brokers");
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, BrokerJsonContext.Default));

        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapBrokers();
        return app;
    });
}
catch (Exception exception) when (exception is MockClusterException or DllNotFoundException)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
