namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>What every container of deploy/compose/compose.yaml has: limits, a restart after a reboot, and no more rights than it needs.</summary>
public sealed class ComposeTests
{
    public static TheoryData<string> Names => [.. Compose.Services.Select(pair => pair.Key)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_container_is_limited_and_comes_back(string name)
    {
        var service = Compose.Service(name);
        // The provisioner ends when its work is done.
        Assert.Equal(name == "provisioner" ? "on-failure:5" : "unless-stopped", service.Text("restart"));
        Assert.Equal("512", service.Text("pids_limit"));
        Assert.Equal("1", Compose.Default(service.Text("cpus")!));
        Assert.EndsWith("m", service.Text("mem_limit"), StringComparison.Ordinal);
        Assert.Equal(["no-new-privileges:true"], service["security_opt"]!.AsArray().Select(each => each!.ToString()));
        Assert.Equal("10m", service["logging"]!["options"].Text("max-size"));
        Assert.Equal(["ALL"], service["cap_drop"]!.AsArray().Select(each => each!.ToString()));
    }
}
