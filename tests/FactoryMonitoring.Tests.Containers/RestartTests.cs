namespace FactoryMonitoring.Tests.Containers;

public sealed class RestartTests(ComposeStack stack) : ComposeTest(stack)
{
    [ContainerFact]
    public async Task Brokers_restarted_one_after_another_under_load_lose_and_double_nothing()
    {
        foreach (var broker in Brokers)
        {
            await DockerAsync("restart", broker);

            await EventuallyClusterAsync(body => body.Brokers.Count(one => one.Up) == 3 && body.Partitions.All(partition => partition.InSyncReplicas?.Count == 3));
            await ReadingsFlowAsync();
        }
    }

    [ContainerFact]
    public async Task Down_and_up_again_keeps_the_data_also_those_of_a_version_whose_superuser_owned_everything()
    {
        var log = (await EventuallyClusterAsync(body => body.LogId is not null)).LogId;
        var stored = await StoredAsync();

        // REASSIGN OWNED locks one table after the other, and deadlocks with clients that write to them in another order.
        await DockerAsync(["stop", .. Consumers, .. Sensors, "monitoring-api", "monitoring"]);
        await PsqlAsync("REASSIGN OWNED BY factory_owner TO factory_user");
        await Stack.MakeAsync("compose-down", Timeout);
        Stack.PutSecretsIntoTheEnvironment();
        await Stack.MakeAsync("compose-up", Timeout);

        Assert.Equal(log, (await EventuallyClusterAsync(body => body.LogId is not null)).LogId);
        Assert.True(await StoredAsync() >= stored);
        await ReadingsFlowAsync();
        Assert.Equal(
            ["factory_owner"],
            await PsqlAsync("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"));
    }
}
