using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Services;
using FactoryMonitoring.Contracts.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>The faults that affect more than one process, as commands of the Aspire dashboard, its command line and its MCP server.</summary>
internal static class DashboardCommands
{
    /// <summary>Adds the commands of the cluster: malformed messages, and a rolling restart.</summary>
    public static void WithFaultCommands(this IResourceBuilder<KafkaClusterResource> kafka)
    {
        kafka.WithCommand("poison", "Send malformed messages", context => RunAsync(context, new PoisonCommand(Integer(context, "count"))), new()
        {
            Description = "Messages that are not readings, on the topic of readings: each becomes a dead letter, and the others flow on.",
            ConfirmationMessage = "Send malformed messages? They stay in the topic and among the dead letters.",
            IconName = "Bug",
            Arguments = [Number("count", "Messages", 10, PoisonCommand.Most)],
        });
        if (kafka.Resource.Backing == KafkaBacking.External) return;
        kafka.WithCommand("rolling-restart", "Rolling restart", context => RunAsync(context, new RollingRestartCommand()), new()
        {
            Description = "Restarts one broker after another, each when the one before is in sync again.",
            ConfirmationMessage = "Restart all brokers, one after another?",
            IconName = "ArrowSync",
        });
    }

    /// <summary>Adds the commands of the sensors: load.</summary>
    public static void WithLoadCommand(this IResourceBuilder<GroupResource> sensors) =>
        sensors.WithCommand("load", "Send load", context => RunAsync(context, new LoadCommand(Integer(context, "rate"), Integer(context, "seconds"))), new()
        {
            Description = "Readings on top of the sensors'.",
            ConfirmationMessage = "Send load? Its readings are stored beside the sensors', and can slow them down.",
            IconName = "TopSpeed",
            IsHighlighted = true,
            Arguments = [Number("rate", "Readings per second", 260, LoadCommand.MostPerSecond), Number("seconds", "Seconds", 30, LoadCommand.MostSeconds)],
        });

    /// <summary>Adds the commands of the consumers: scale.</summary>
    public static void WithScaleCommand(this IResourceBuilder<GroupResource> consumers, int most) =>
        consumers.WithCommand("scale", "Scale", context => RunAsync(context, new ScaleCommand(Integer(context, "consumers"))), new()
        {
            Description = "Starts or stops consumers until so many run; the group rebalances.",
            ConfirmationMessage = "Change how many consumers run? The group rebalances.",
            IconName = "ScaleFill",
            IsHighlighted = true,
            Arguments = [Number("consumers", "Consumers", 3, most)],
        });

    /// <summary>Adds the command of the fault lab: an experiment, with its verdict on the page.</summary>
    public static void WithExperimentCommand(this IResourceBuilder<ProjectResource> lab, int webPort) =>
        lab.WithHttpCommand(LabRoutes.Experiments, "Run an experiment", "http", "run-experiment", new()
        {
            PrepareRequest = context =>
            {
                context.Request.RequestUri = new Uri(context.Request.RequestUri!, LabRoutes.RunOf(context.Arguments["experiment"].Value ?? ""));
                return Task.CompletedTask;
            },
            GetCommandResult = async context => context.Response.StatusCode == HttpStatusCode.Accepted
                ? KillCommand.Done(string.Create(CultureInfo.InvariantCulture, $"{context.Arguments["experiment"].Value} runs; its verdict will be at http://localhost:{webPort}/fault-lab"))
                : CommandResults.Failure(await context.Response.Content.ReadAsStringAsync(context.CancellationToken)),
            Description = "Breaks something, measures what follows, and gives a verdict.",
            ConfirmationMessage = "Run the experiment? It breaks a part of the factory and puts it right again.",
            IconName = "Beaker",
            IsHighlighted = true,
            Arguments =
            [
                new()
                {
                    Name = "experiment",
                    Label = "Experiment",
                    InputType = InputType.Choice,
                    Required = true,
                    DynamicLoading = new()
                    {
                        AlwaysLoadOnStart = true,
                        LoadCallback = async context =>
                        {
                            var client = context.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
                            var body = await client.GetFromJsonAsync(new Uri(new Uri(lab.GetEndpoint("http").Url), LabRoutes.Experiments), ApiJson.Context.ExperimentsBody, context.CancellationToken);
                            context.Input.Options = [.. body!.Experiments.Select(experiment => KeyValuePair.Create(experiment.Name, experiment.Title))];
                        },
                    },
                },
            ],
            UpdateState = context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Hidden,
        });

    /// <summary>Runs a command as the control endpoint does for make and the page.</summary>
    public static async Task<ExecuteCommandResult> RunAsync(ExecuteCommandContext context, ControlCommand command)
    {
        var (status, answer) = await context.Services.GetRequiredService<CommandEndpoint>().RunAsync(command with { By = ExitLog.Aspire }, context.CancellationToken);
        return status == StatusCodes.Status200OK ? KillCommand.Done(answer.Message) : CommandResults.Failure(answer.Message);
    }

    public static InteractionInput Number(string name, string label, int usual, int most) => new()
    {
        Name = name,
        Label = label,
        Description = string.Create(CultureInfo.InvariantCulture, $"An integer between 1 and {most}."),
        InputType = InputType.Number,
        Required = true,
        Value = usual.ToString(CultureInfo.InvariantCulture),
    };

    // Text that is not an integer becomes 0, which every command refuses with the allowed range.
    public static int Integer(ExecuteCommandContext context, string name) =>
        int.TryParse(context.Arguments[name].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
