using FactoryMonitoring.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class SeveralHostsTests
{
    [Theory]
    [InlineData("postgresql://u:p%40@a:5433,b,[::1]:5434/db?target_session_attrs=read-write&sslmode=disable", "a:5433,b,[::1]:5434", "read-write")]
    [InlineData("postgresql://u:p%40@a,b/db", "a,b", null)]
    [InlineData("postgresql://u:p%40@a/db?options=-c%20a%3Db,c", "a", null)]
    public void A_url_may_name_several_hosts(string url, string hosts, string? target)
    {
        var connection = new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString(url));

        Assert.Equal((hosts, "u", "p@", "db", target), (connection.Host, connection.Username, connection.Password, connection.Database, connection.TargetSessionAttributes));
    }

    [Theory]
    [InlineData("Host=a:5433,b;Username=u;Database=db", TargetSessionAttributes.Primary, 2)]
    [InlineData("Host=a,b;Username=u;Database=db;Target Session Attributes=read-write;Host Recheck Seconds=1", TargetSessionAttributes.ReadWrite, 1)]
    public async Task Of_several_hosts_services_use_the_one_that_takes_writes(string given, TargetSessionAttributes target, int recheck)
    {
        var builder = Builder(given);
        await using var services = builder.Services.BuildServiceProvider();

        services.GetRequiredService<IStartupValidator>().Validate();
        var used = services.GetRequiredService<NpgsqlDataSource>();
        Assert.Same(services.GetRequiredService<NpgsqlMultiHostDataSource>().WithTargetSession(target), used);
        Assert.Equal(recheck, new NpgsqlConnectionStringBuilder(used.ConnectionString).HostRecheckSeconds);
    }

    [Fact]
    public async Task One_host_needs_no_choice_and_takes_the_setting_all_the_same()
    {
        var builder = Builder("Host=a;Username=u;Database=db;Target Session Attributes=primary");
        await using var services = builder.Services.BuildServiceProvider();

        Assert.Null(new NpgsqlConnectionStringBuilder(services.GetRequiredService<NpgsqlDataSource>().ConnectionString).TargetSessionAttributes);
    }

    [Fact]
    public async Task A_host_that_takes_no_writes_cannot_be_asked_for()
    {
        var builder = Builder("Host=a,b;Username=u;Database=db;Target Session Attributes=standby");
        await using var services = builder.Services.BuildServiceProvider();

        var exception = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());
        Assert.EndsWith("Target Session Attributes = standby: every service writes; must be primary or read-write", exception.Message, StringComparison.Ordinal);
    }

    private static WebApplicationBuilder Builder(string connectionString)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["ConnectionStrings:factorydb"] = connectionString;
        builder.AddServiceDefaults().AddFactoryDatabase();
        return builder;
    }
}
