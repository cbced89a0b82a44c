using System.Diagnostics;
using System.Globalization;
using System.Text;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>eng/make/kafka.sh in a test repository that contains nothing else, with curl and tar of this machine and a mirror on loopback.</summary>
public sealed class KafkaFetchTests : IAsyncLifetime, IDisposable
{
    private static readonly KafkaArchive Archive = KafkaArchive.Small();
    private readonly TemporaryDirectory _repository = new();
    private KafkaMirror _mirror = null!;

    private string Part => Path.Combine(_repository.Path, ".tools", KafkaArchive.Name + ".part");

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Path.Combine(_repository.Path, "eng", "make"));
        foreach (var script in (string[])["kafka.sh", "prerequisites.sh"])
        {
            var copy = Path.Combine(_repository.Path, "eng", "make", script);
            File.Copy(Path.Combine(AppContext.BaseDirectory, script), copy);
            File.SetUnixFileMode(copy, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        Pin(Archive);
        _mirror = await KafkaMirror.StartAsync(KafkaArchive.Path, Archive.Content);
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task The_archive_is_fetched_and_the_AppHost_finds_what_was_in_it_and_a_second_run_does_nothing()
    {
        var archive = KafkaArchive.OfHome();
        Pin(archive);
        _mirror.Content = archive.Content;

        var first = await FetchAsync();
        var second = await FetchAsync();

        Assert.Equal((0, ""), (first.Code, first.Error));
        Assert.Equal(["HEAD", "GET"], _mirror.Requests);
        Assert.Equal(new Result(0, "Apache Kafka 4.3.1 is in .tools/kafka\n", ""), second);
        Assert.EndsWith(second.Output, first.Output, StringComparison.Ordinal);
        Assert.Equal(["kafka"], Tools());
        var home = Path.Combine(_repository.Path, ".tools", "kafka");
        var found = KafkaChoice.Make(
            KafkaPreference.Auto, () => throw new SetupException("no engine"), () => KafkaDistribution.Find(kafkaHome: null, _repository.Path));
        Assert.Equal((KafkaBacking.Processes, home, KafkaArchive.Version), (found.Backing, found.Home!.Directory, found.Home.Version));
        Assert.StartsWith($"found Apache Kafka 4.3.1 in {home}, Java ", found.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_connection_was_cut_off_from_is_fetched_by_the_next_run()
    {
        _mirror.CutAfter = 600_000;
        var cut = await FetchAsync();
        _mirror.CutAfter = null;
        var resumed = await FetchAsync();

        Assert.Equal(1, cut.Code);
        Fails($"{_mirror.Url}: the connection was cut at byte 600000 of {Archive.Content.Length}", cut);
        Assert.Equal(0, resumed.Code);
        Assert.Equal(["HEAD", "GET", "HEAD", "GET bytes=600000-"], _mirror.Requests);
        Assert.Equal(["kafka"], Tools());
    }

    [Fact]
    public async Task Where_a_server_knows_no_ranges_the_archive_is_fetched_from_the_beginning()
    {
        _mirror.CutAfter = 600_000;
        await FetchAsync();
        (_mirror.CutAfter, _mirror.Ranges) = (null, false);

        Assert.Equal(0, (await FetchAsync()).Code);
        Assert.Equal(["kafka"], Tools());
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(50_000_000)]
    public async Task A_beginning_that_is_of_something_else_is_thrown_away(int size)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Part)!);
        await File.WriteAllBytesAsync(Part, new byte[size]);

        Assert.Equal(0, (await FetchAsync()).Code);
        Assert.Equal(["kafka"], Tools());
    }

    [Fact]
    public async Task An_archive_that_is_there_already_is_not_fetched_again()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Part)!);
        await File.WriteAllBytesAsync(Part, Archive.Content);

        Assert.Equal(0, (await FetchAsync()).Code);
        Assert.Empty(_mirror.Requests);
        Assert.Equal(["kafka"], Tools());
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("another")]
    [InlineData("empty")]
    public async Task An_archive_that_is_not_the_pinned_one_is_not_unpacked(string what)
    {
        _mirror.Content = what switch { "truncated" => Archive.Content[..700_000], "another" => KafkaArchive.Small().Content, _ => [] };

        Fails($"{_mirror.Url}: the SHA-512 of its {_mirror.Content.Length} bytes is ", await FetchAsync());
        Assert.Empty(Tools());
    }

    [Theory]
    [InlineData("bin/kafka-server-start.sh")]
    [InlineData("libs/kafka-clients-4.3.1.jar")]
    public async Task A_pinned_archive_that_is_no_Kafka_is_not_installed(string without)
    {
        var archive = KafkaArchive.Small(without);
        Pin(archive);
        _mirror.Content = archive.Content;

        Fails($"{KafkaArchive.Name} is no Apache Kafka 4.3.1: it lacks ", await FetchAsync());
        Assert.Empty(Tools());
    }

    [Fact]
    public async Task A_server_that_has_it_not_is_said_and_the_next_one_asked()
    {
        var alone = await FetchAsync($"{_mirror.Url}/elsewhere");
        var both = await FetchAsync($"{_mirror.Url}/elsewhere/ {_mirror.Url}");

        Fails($"{_mirror.Url}/elsewhere: HTTP 404); set KAFKA_MIRROR to a server that has 4.3.1/{KafkaArchive.Name}, or KAFKA_HOME to", alone);
        Assert.Equal(0, both.Code);
    }

    [Fact]
    public async Task Nobody_who_listens_is_one_line()
    {
        await _mirror.DisposeAsync();

        Fails($"{_mirror.Url}: nobody answers there)", await FetchAsync());
        Assert.Empty(Tools());
    }

    [Fact]
    public async Task A_host_that_no_name_server_knows_is_one_line()
    {
        Fails("http://kafka.invalid: cannot resolve the host)", await FetchAsync("http://kafka.invalid"));
        Assert.Empty(Tools());
    }

    [Fact]
    public async Task Another_version_is_replaced_once_the_archive_is_there_and_not_before()
    {
        var home = Path.Combine(_repository.Path, ".tools", "kafka");
        Directory.CreateDirectory(Path.Combine(home, "libs"));
        File.WriteAllText(Path.Combine(home, "libs", "kafka-clients-4.1.0.jar"), "");

        Assert.Equal(1, (await FetchAsync($"{_mirror.Url}/elsewhere")).Code);
        Assert.Equal(["kafka-clients-4.1.0.jar"], Names(Path.Combine(home, "libs")));
        Assert.Equal(0, (await FetchAsync()).Code);
        Assert.Equal(["kafka-clients-4.3.1.jar"], Names(Path.Combine(home, "libs")));
        Assert.Equal(["kafka"], Tools());
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 143)]
    public async Task Unpacking_that_is_interrupted_leaves_the_archive_alone_and_the_next_run_goes_on(string signal, int code)
    {
        var archive = KafkaArchive.Small(zeros: 500_000_000);
        Pin(archive);
        _mirror.Content = archive.Content;
        using var fetch = Start("kafka.sh", []);
        var output = fetch.StandardOutput.ReadToEndAsync();
        var error = fetch.StandardError.ReadToEndAsync();
        var unpacked = Path.Combine(_repository.Path, ".tools", "kafka.new", "libs");
        while (!Directory.Exists(unpacked))
        {
            Assert.False(fetch.HasExited, "it was over before it could be interrupted");
            await Task.Yield();
        }

        using var kill = Process.Start("kill", [$"-{signal}", fetch.Id.ToString(CultureInfo.InvariantCulture)]);
        await fetch.WaitForExitAsync();

        Assert.Equal(new Result(code, await output, "interrupted: run make kafka again to go on\n"), new(fetch.ExitCode, await output, await error));
        Assert.Equal([Path.GetFileName(Part)], Tools());
        Assert.Equal(0, (await FetchAsync()).Code);
        Assert.Equal(["HEAD", "GET"], _mirror.Requests);
        Assert.Equal(["kafka"], Tools());
    }

    [Theory]
    [InlineData("curl")]
    [InlineData("tar")]
    public async Task A_program_that_is_missing_is_named(string missing)
    {
        var programs = Directory.CreateDirectory(Path.Combine(_repository.Path, "programs")).FullName;
        foreach (var program in (string[])["bash", "curl", "cut", "dirname", "sed", "sha512sum", "tar", "tr", "wc"])
        {
            var path = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(directory => Path.Combine(directory, program)).First(File.Exists);
            if (program != missing) File.CreateSymbolicLink(Path.Combine(programs, program), path);
        }

        Fails($"{missing} is missing: install {missing}, then run make kafka", await FetchAsync(environment: ("PATH", programs)));
        Assert.Empty(Tools());
    }

    [Theory]
    [InlineData("")]
    [InlineData("version=4.3.1\narchive=kafka_2.13-4.3.1.tgz\nsha512=abc\n")]
    public async Task A_release_that_is_not_pinned_is_refused(string release)
    {
        File.WriteAllText(Path.Combine(_repository.Path, "other.version"), release);

        Fails("other.version must have the lines version=, archive= and sha512=", await FetchAsync(environment: ("KAFKA_RELEASE_FILE", "other.version")));
        Assert.Empty(_mirror.Requests);
    }

    [Fact]
    public async Task A_full_start_without_an_engine_and_without_a_Kafka_fetches_it()
    {
        Assert.Equal("kafka       Apache Kafka 4.3.1 is in .tools/kafka", (await KafkaLinesAsync())[^1]);
        Assert.Equal(["kafka"], Tools());
        Assert.StartsWith("kafka       .tools/kafka, Java ", Assert.Single(await KafkaLinesAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_start_that_reaches_no_archive_goes_on_with_one_line()
    {
        await _mirror.DisposeAsync();

        Assert.Equal(
            $"kafka       the embedded broker is used: cannot fetch Apache Kafka 4.3.1 ({_mirror.Url}: nobody answers there); "
            + $"set KAFKA_MIRROR to a server that has 4.3.1/{KafkaArchive.Name}, or KAFKA_HOME to an unpacked Apache Kafka 4",
            Assert.Single(await KafkaLinesAsync()));
        Assert.Empty(Tools());
    }

    [Fact]
    public async Task A_full_start_does_not_wait_for_a_server_that_is_silent()
    {
        _mirror.Silent = true;

        Assert.Contains($"{_mirror.Url}: no answer in time", Assert.Single(await KafkaLinesAsync()), StringComparison.Ordinal);
        // Together: a start on a busy machine takes longer, but not because it waits.
        Assert.InRange(_mirror.Waited, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData("Factory__Kafka", "embedded", "kafka       as Factory__Kafka=embedded asks")]
    [InlineData("Factory__Kafka", "Containers", "kafka       as Factory__Kafka=containers asks")]
    [InlineData("KAFKA_HOME", "/nowhere", "kafka       the embedded broker is used: KAFKA_HOME=/nowhere has no bin/kafka-server-start.sh; set it to an unpacked Apache Kafka 4, or unset it")]
    public async Task A_full_start_that_has_no_use_for_it_fetches_nothing(string variable, string value, string line)
    {
        Assert.Equal([line], await KafkaLinesAsync((variable, value)));
        Assert.Empty(_mirror.Requests);
    }

    [Fact]
    public async Task A_full_start_does_not_wait_for_an_engine_that_hangs()
    {
        var engine = Path.Combine(_repository.Path, "engine");
        File.WriteAllText(engine, "#!/bin/sh\nexec sleep 60\n");
        File.SetUnixFileMode(engine, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var start = Stopwatch.GetTimestamp();

        var lines = await KafkaLinesAsync(("ASPIRE_CONTAINER_RUNTIME", engine));

        Assert.DoesNotContain(lines, line => line.Contains("container", StringComparison.Ordinal));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(45));
    }

    [Fact]
    public void The_pinned_version_is_that_of_the_image()
    {
        var pinned = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "kafka.version")).Single(line => line.StartsWith("version=", StringComparison.Ordinal));
        var settings = FactorySettings.Read(new ConfigurationBuilder().Build(), "/repository", isProduction: false);

        Assert.EndsWith($":{pinned["version=".Length..]}", settings.KafkaImage, StringComparison.Ordinal);
    }

    private void Pin(KafkaArchive archive) => File.WriteAllText(Path.Combine(_repository.Path, "eng", "kafka.version"), archive.Release);

    private string[] Tools() => Names(Path.Combine(_repository.Path, ".tools"));

    private static string[] Names(string directory) => Directory.Exists(directory)
        ? [.. new DirectoryInfo(directory).EnumerateFileSystemInfos().Select(entry => entry.Name).Order(StringComparer.Ordinal)]
        : [];

    private static void Fails(string because, Result result)
    {
        Assert.Equal(1, result.Code);
        Assert.Contains(because, Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private Task<Result> FetchAsync(string? mirror = null, (string Name, string Value)? environment = null) =>
        RunAsync("kafka.sh", [("KAFKA_MIRROR", mirror ?? _mirror.Url), .. environment is { } one ? [one] : Array.Empty<(string, string)>()]);

    /// <summary>Returns what the check of prerequisites prints about Kafka if no engine answers.</summary>
    private async Task<string[]> KafkaLinesAsync(params (string Name, string Value)[] environment)
    {
        var result = await RunAsync("prerequisites.sh", [("ASPIRE_CONTAINER_RUNTIME", "no-such-engine"), .. environment]);
        return [.. (result.Output + result.Error).Split('\n').Where(line => line.StartsWith("kafka ", StringComparison.Ordinal))];
    }

    private async Task<Result> RunAsync(string script, (string Name, string Value)[] environment)
    {
        using var process = Start(script, environment);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new(process.ExitCode, await output, await error);
    }

    private Process Start(string script, (string Name, string Value)[] environment)
    {
        // Under nohup the tests ignore SIGHUP, and the shell of a script cannot trap a signal that was ignored when it started.
        var start = new ProcessStartInfo("env", ["--default-signal=HUP", Path.Combine(_repository.Path, "eng", "make", script)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var inherited in (string[])["KAFKA_HOME", "KAFKA_RELEASE_FILE", "Factory__Kafka", "DOTNET_ASPIRE_CONTAINER_RUNTIME"]) start.Environment.Remove(inherited);
        start.Environment["KAFKA_MIRROR"] = _mirror.Url;
        start.Environment["no_proxy"] = "*";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private sealed record Result(int Code, string Output, string Error);
}
