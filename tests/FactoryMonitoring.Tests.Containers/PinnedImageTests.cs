namespace FactoryMonitoring.Tests.Containers;

/// <summary>eng/pin-images.sh, against the registry of the base image.</summary>
public sealed class PinnedImageTests
{
    private static readonly string Wrong = $"sha256:{new string('0', 64)}";

    [ContainerFact]
    public async Task Every_way_to_name_an_image_is_pinned_by_the_digest_of_its_tag()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var image = TestImages.Base ?? "mcr.microsoft.com/dotnet/aspnet:10.0";
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $$"""
                image: ${KAFKA_IMAGE:-{{image}}}
                image: ${POSTGRES_IMAGE:-{{image}}@{{Wrong}}}
                reader.Text("Factory:KafkaImage", "{{image}}"),
                <ContainerBaseImage Condition="'$(ContainerBaseImage)' == ''">{{image}}</ContainerBaseImage>
                <ContainerBaseImage>$(BASE_IMAGE)</ContainerBaseImage>
                image: factory-monitoring/sensors:${FACTORY_VERSION:-latest}
                """, limit.Token);

            await Engine.RunAsync(Path.Combine(Repository.Root, "eng/pin-images.sh"), [file], new Dictionary<string, string>(), limit.Token);

            var digest = (await Engine.DockerAsync(limit.Token, "image", "inspect", "--format", "{{(index .RepoDigests 0)}}", image)).Trim().Split('@')[1];
            Assert.Equal(
                $$"""
                image: ${KAFKA_IMAGE:-{{image}}@{{digest}}}
                image: ${POSTGRES_IMAGE:-{{image}}@{{digest}}}
                reader.Text("Factory:KafkaImage", "{{image}}@{{digest}}"),
                <ContainerBaseImage Condition="'$(ContainerBaseImage)' == ''">{{image}}@{{digest}}</ContainerBaseImage>
                <ContainerBaseImage>$(BASE_IMAGE)</ContainerBaseImage>
                image: factory-monitoring/sensors:${FACTORY_VERSION:-latest}
                """,
                await File.ReadAllTextAsync(file, limit.Token));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [ContainerFact]
    public async Task A_tag_that_its_registry_does_not_have_is_named()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "image: ${KAFKA_IMAGE:-127.0.0.1:9/none:1}", limit.Token);

            var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Engine.RunAsync(Path.Combine(Repository.Root, "eng/pin-images.sh"), [file], new Dictionary<string, string>(), limit.Token));

            Assert.Contains("Cannot pull 127.0.0.1:9/none:1", failure.Message, StringComparison.Ordinal);
            Assert.Equal("image: ${KAFKA_IMAGE:-127.0.0.1:9/none:1}", await File.ReadAllTextAsync(file, limit.Token));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
