using FactoryMonitoring.Provisioner;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.Provisioner;

public sealed class PatienceTests
{
    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.FromSeconds(1) };

    [Fact]
    public async Task What_fails_is_tried_again_until_it_succeeds()
    {
        var attempts = 0;

        await PersistAsync(_ => Task.FromResult(++attempts < 3 ? "not yet" : null));

        Assert.Equal(3, attempts);
    }

    [Fact]
    public async Task After_the_limit_one_line_says_what_could_not_be_done_and_why()
    {
        var exception = await Assert.ThrowsAsync<ProvisioningException>(() => PersistAsync(_ => Task.FromResult<string?>("refused")));

        Assert.Equal("could not reach it within 5 s: refused", exception.Message);
    }

    private async Task PersistAsync(Func<CancellationToken, Task<string?>> attempt)
    {
        var options = new ProvisionerOptions { ProvisioningLimit = TimeSpan.FromSeconds(5) };
        var patience = new Patience(Options.Create(options), _time, NullLogger<Patience>.Instance);
        var run = patience.PersistAsync("reach it", attempt, CancellationToken.None);
        while (!run.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
        }

        await run;
    }
}
