using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class NumberTextTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.0041, "0.0041")]
    [InlineData(-0.00412345, "-0.00412")]
    [InlineData(0.5, "0.5")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.999, "0.999")]
    [InlineData(1, "1")]
    [InlineData(21.534, "21.53")]
    [InlineData(1013.25, "1013.25")]
    [InlineData(4.1e-7, "4.1e-7")]
    [InlineData(1.5e15, "1.5e+15")]
    [InlineData(double.Epsilon, "4.94e-324")]
    public void A_value_keeps_the_digits_that_say_something(double value, string text) => Assert.Equal(text, NumberText.Of(value));

    [Theory]
    [InlineData(0.001, 0.005, "0.005", "0.006", "0.007")]
    [InlineData(0.5, 1, "1.0", "1.5", "2.0")]
    [InlineData(0.05, 20, "20.00", "20.05", "20.10")]
    [InlineData(10, 990, "990", "1,000", "1,010")]
    [InlineData(2e-7, 0, "0", "2e-7", "4e-7")]
    [InlineData(0.1, -0.1, "-0.1", "0", "0.1")]
    [InlineData(5e9, 5e9, "5e+9", "1e+10", "1.5e+10")]
    public void Neighbours_on_an_axis_differ(double step, double first, params string[] marks) =>
        Assert.Equal(marks, Enumerable.Range(0, marks.Length).Select(i => NumberText.InSteps(first + (i * step), step)));

    [Theory]
    [InlineData("temp-sensor-001", "/sensors/temp-sensor-001")]
    [InlineData("factory/line1/temp", "/sensor?id=factory%2Fline1%2Ftemp")]
    [InlineData("a b", "/sensor?id=a%20b")]
    [InlineData("50%", "/sensor?id=50%25")]
    [InlineData("x?y", "/sensor?id=x%3Fy")]
    [InlineData("..", "/sensor?id=..")]
    [InlineData(".", "/sensor?id=.")]
    [InlineData("ü-1", "/sensor?id=%C3%BC-1")]
    [InlineData("a%2Fb", "/sensor?id=a%252Fb")]
    public void Every_id_has_an_address(string id, string address)
    {
        Assert.Equal(address, ComponentPath.Sensor(id));
        Assert.Equal(id, ComponentPath.IdAt(address, "sensor"));
        Assert.Null(ComponentPath.IdAt(address, "consumer"));
    }

    [Theory]
    [InlineData("/api/sensors/factory%2Fline1%2Ftemp", "factory/line1/temp")]
    [InlineData("/api/sensors/factory/line1/temp?x=1", "factory/line1/temp")]
    [InlineData("http://127.0.0.1:8080/sensors/a%252Fb#top", "a%2Fb")]
    [InlineData("/api/sensors/50%25", "50%")]
    [InlineData("/api/other/1", null)]
    public void An_id_in_a_path_is_decoded_once(string path, string? id) => Assert.Equal(id, ComponentPath.IdIn(path, "/sensors/"));
}
