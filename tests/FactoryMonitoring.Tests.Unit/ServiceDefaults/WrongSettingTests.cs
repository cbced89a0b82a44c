using FactoryMonitoring.ServiceDefaults.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class WrongSettingTests
{
    [Fact]
    public void A_failure_of_a_generated_validator_gets_its_key_and_value()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Oven:Replay:SpeedUp", "0")]).Build();
        var exception = new OptionsValidationException(
            "", typeof(OvenOptions), ["Replay.SpeedUp: must be between 1 and 9", "Door: The door is required."]);

        Assert.Equal(
            "Oven:Replay:SpeedUp = 0: must be between 1 and 9; Oven:Door = (not set): The door is required.",
            WrongSetting.Describe(configuration, exception));
    }

    [Fact]
    public void A_failure_that_is_a_sentence_stays_as_it_is()
    {
        var exception = new OptionsValidationException("", typeof(OvenOptions), ["OVEN_HEAT = 9: must be below OVEN_MELTS = 5"]);

        Assert.Equal("OVEN_HEAT = 9: must be below OVEN_MELTS = 5", WrongSetting.Describe(new ConfigurationBuilder().Build(), exception));
    }

    private sealed class OvenOptions
    {
        public const string Section = "Oven";
    }
}
