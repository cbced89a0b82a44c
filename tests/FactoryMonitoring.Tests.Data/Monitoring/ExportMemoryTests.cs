using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>What an exported file costs in memory. The heap belongs to the whole process, so no other test runs at the same time.</summary>
[Collection(AloneCollection.Name)]
public sealed class ExportMemoryTests(PostgresFixture postgres, ITestOutputHelper output) : ExportTest(postgres)
{
    [Theory]
    [InlineData("csv", 8)]
    [InlineData("parquet", 40)]
    public async Task A_file_of_a_million_rows_costs_no_more_memory_than_its_parts(string format, int mostMb)
    {
        const int Rows = 1_000_000;
        await InsertAsync(Rows, "a");
        var api = await StartServingApiAsync();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (size, sampledAt, samples, most) = (0L, 0L, 0, 0L);

        using var answer = await api.Client.GetAsync($"/api/export/readings.{format}", HttpCompletionOption.ResponseHeadersRead, Timeout);
        await using var file = await answer.Content.ReadAsStreamAsync(Timeout);
        var buffer = new byte[64 * 1024];
        while (await file.ReadAsync(buffer, Timeout) is > 0 and var read)
        {
            size += read;
            if (size - sampledAt > (format == "csv" ? 8_000_000 : 500_000))
            {
                // The live heap in the middle of the export, of the API and this client together.
                sampledAt = size;
                samples++;
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        output.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{format}: {size / 1e6:0.0} MB, at most {most / 1e6:0.0} MB alive"));
        Assert.InRange(samples, 3, int.MaxValue);
        Assert.InRange(most, 0, mostMb * 1_000_000L);
        Assert.True(format == "parquet" || size > 3L * mostMb * 1_000_000, $"{size} bytes say nothing");
    }
}
