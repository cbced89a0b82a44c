using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class PostgresTests
{
    private static readonly PostgresInstallation Fifteen = new("/usr/lib/postgresql/15/bin", "15.18");
    private static readonly PostgresInstallation Seventeen = new("/usr/lib/postgresql/17/bin", "17.2");

    [Fact]
    public void New_data_are_made_by_the_newest_version() =>
        Assert.Equal(Seventeen, PostgresInstallation.Choose([Fifteen, Seventeen], dataVersion: null, "/data"));

    [Fact]
    public void Data_are_opened_by_the_version_that_wrote_them() =>
        Assert.Equal(Fifteen, PostgresInstallation.Choose([Fifteen, Seventeen], dataVersion: 15, "/data"));

    [Fact]
    public void Data_of_a_version_that_is_not_there_are_one_line_with_the_remedy()
    {
        var exception = Assert.Throws<SetupException>(() => PostgresInstallation.Choose([Fifteen], dataVersion: 14, "/data"));

        Assert.Equal(
            "The data in /data are of PostgreSQL 14, but found is PostgreSQL 15.18 in /usr/lib/postgresql/15/bin: set PG_BIN to binaries of version 14, or run `make reset` to start over without the data.",
            exception.Message);
    }

    [Fact]
    public void No_PostgreSQL_is_one_line_with_the_remedy()
    {
        var exception = Assert.Throws<SetupException>(() => PostgresInstallation.Choose([], dataVersion: null, "/data"));

        Assert.StartsWith("No PostgreSQL server binaries (initdb, postgres) were found: install PostgreSQL", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void A_PostgreSQL_that_is_too_old_is_refused() =>
        Assert.Throws<SetupException>(() => PostgresInstallation.Choose([new("/old", "14.9")], dataVersion: null, "/data"));

    [Fact]
    public void Binaries_that_are_named_and_not_there_are_an_error() =>
        Assert.Equal(
            "PG_BIN=/nowhere has no initdb and postgres that run: set it to the directory of PostgreSQL's server binaries.",
            Assert.Throws<SetupException>(() => PostgresInstallation.Find("/nowhere")).Message);

    [Fact]
    public void Whoever_is_not_root_keeps_the_data_in_the_run_directory() =>
        Assert.Equal(new PostgresDirectory("/home/me/run/postgres", null), PostgresDirectory.Decide("/home/me/run", privileged: false, ["postgres"], _ => false));

    [Theory]
    [InlineData("postgres")]
    [InlineData("nobody")]
    public void Root_becomes_another_user_for_the_data_in_the_run_directory(string user) =>
        Assert.Equal(new PostgresDirectory("/srv/run/postgres", user), PostgresDirectory.Decide("/srv/run", privileged: true, ["root", user], _ => true));

    [Fact]
    public void Where_the_other_user_cannot_reach_the_run_directory_the_data_lie_elsewhere_under_a_name_that_stays()
    {
        var directory = PostgresDirectory.Decide("/root/clone/run", privileged: true, ["postgres"], path => path != "/root");

        Assert.Equal("postgres", directory.User);
        Assert.StartsWith("/var/lib/factory-monitoring-", directory.Path, StringComparison.Ordinal);
        Assert.Equal(directory, PostgresDirectory.Decide("/root/clone/run", privileged: true, ["postgres"], path => path != "/root"));
        Assert.NotEqual(directory, PostgresDirectory.Decide("/root/other/run", privileged: true, ["postgres"], path => path != "/root"));
    }

    [Fact]
    public void The_password_is_made_once_and_kept_for_its_owner_alone()
    {
        using var run = new TemporaryDirectory();
        var directory = new PostgresDirectory(Path.Combine(run.Path, "postgres"), null);

        var password = directory.Password();

        Assert.Equal(32, password.Length);
        Assert.Equal(password, directory.Password());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.Path, "password")));
    }

    [Fact]
    public void Data_without_their_password_are_one_line_with_the_remedy()
    {
        using var run = new TemporaryDirectory();
        var directory = new PostgresDirectory(run.Path, null);
        Directory.CreateDirectory(directory.Data);
        File.WriteAllText(Path.Combine(directory.Data, "PG_VERSION"), "15\n");

        var exception = Assert.Throws<SetupException>(directory.Password);

        Assert.Equal(
            $"The data in {directory.Data} have lost their password ({Path.Combine(run.Path, "password")}): put it back, or run `make reset` to start over without the data.",
            exception.Message);
    }

    [Fact]
    public void A_file_of_the_server_that_cannot_be_read_to_its_end_names_no_process()
    {
        using var run = new TemporaryDirectory();
        var directory = new PostgresDirectory(run.Path, null);
        var file = Path.Combine(Directory.CreateDirectory(directory.Data).FullName, "postmaster.pid");

        Assert.Null(directory.Postmaster());
        File.WriteAllText(file, "4711\n/data\n");
        Assert.Equal(4711, directory.Postmaster());
        // It is there and cannot be read, as a file that the server removes in the meantime.
        File.Delete(file);
        File.CreateSymbolicLink(file, "/proc/self/mem");
        Assert.Null(directory.Postmaster());
    }

    [Fact]
    public void An_image_that_can_be_had_is_used_with_a_volume_and_a_password_of_its_own()
    {
        using var run = new TemporaryDirectory();
        var image = new ContainerImage(new ContainerEngine("no-such-engine"), "postgres:17");

        var choice = PostgresChoice.Make(PostgresPreference.Auto, run.Path, () => image, _ => Fifteen);
        var again = PostgresChoice.Make(PostgresPreference.Auto, run.Path, () => image, _ => Fifteen);

        Assert.Equal(image, choice.Image);
        Assert.Equal("postgres:17 by no-such-engine", choice.Reason);
        Assert.StartsWith("factory-monitoring-", choice.Volume, StringComparison.Ordinal);
        Assert.Null(choice.Installation);
        Assert.Equal(choice, again);
    }

    [Theory]
    [InlineData("postgres:17")]
    [InlineData("docker.io/library/postgres:17")]
    [InlineData("localhost:15001/postgres:15")]
    public void An_image_is_run_by_its_digest_where_it_is_pinned(string tagged)
    {
        var digest = new string('a', 64);
        var builder = DistributedApplication.CreateBuilder();
        foreach (var (name, reference, expected) in new[] { ("tagged", tagged, tagged), ("pinned", $"{tagged}@sha256:{digest}", $"{tagged[..tagged.LastIndexOf(':')]}@sha256:{digest}") })
        {
            var image = new ContainerImage(new ContainerEngine("no-such-engine"), reference);
            var container = builder.AddContainer(name, "other", "1").WithImage(image).Resource;
            var postgres = builder.AddPostgres($"{name}-postgres").WithImage(image).Resource;

            Assert.Equal(expected, container.TryGetContainerImageName(out var ofContainer) ? ofContainer : null);
            Assert.Equal(expected, postgres.TryGetContainerImageName(out var ofPostgres) ? ofPostgres : null);
        }
    }

    [Fact]
    public void Without_an_engine_the_binaries_take_the_containers_place_and_the_reason_is_said()
    {
        using var run = new TemporaryDirectory();

        var choice = PostgresChoice.Make(PostgresPreference.Auto, run.Path, () => throw new SetupException("no engine"), _ => Fifteen);

        Assert.Null(choice.Image);
        Assert.Equal(Fifteen, choice.Installation);
        Assert.StartsWith("no container: no engine; PostgreSQL 15.18 in /usr/lib/postgresql/15/bin", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_that_is_asked_for_and_cannot_be_had_is_an_error() =>
        Assert.Equal(
            "Factory:Postgres=container cannot be had: no engine",
            Assert.Throws<SetupException>(() => PostgresChoice.Make(
                PostgresPreference.Container, "/run", () => throw new SetupException("no engine"), _ => Fifteen)).Message);
}
