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
    public async Task Down_and_up_again_keeps_the_data()
    {
        var log = (await EventuallyClusterAsync(body => body.LogId is not null)).LogId;
        var stored = await StoredAsync();

        await Stack.MakeAsync("compose-down", Timeout);
        await Stack.MakeAsync("compose-up", Timeout);

        Assert.Equal(log, (await EventuallyClusterAsync(body => body.LogId is not null)).LogId);
        Assert.True(await StoredAsync() >= stored);
        await ReadingsFlowAsync();
    }
}
