using System.Globalization;

namespace FactoryMonitoring.Contracts;

/// <summary>Formats measured values identically in alerts and on pages.</summary>
public static class NumberText
{
    /// <summary>Formats with two decimals, or, where these would show too little, three significant digits: 21.53, 1013.25, 0.0041, 4.1e-7.</summary>
    public static string Of(double value)
    {
        var size = Math.Abs(value);
        return size switch
        {
            0 => "0",
            >= 1 and < 1e15 => Text(value, "0.##"),
            >= 1e-6 and < 1 => Text(value, "0." + new string('#', Leading(size) + 3)),
            _ => Text(value, "0.##e+0"),
        };
    }

    /// <summary>Formats two values as <see cref="Of"/> does, with as many more digits as distinguish them.</summary>
    public static (string One, string Other) Distinct(double one, double other)
    {
        var texts = (Of(one), Of(other));
        for (var digits = 4; digits <= 17 && one != other && texts.Item1 == texts.Item2; digits++)
        {
            var format = string.Create(CultureInfo.InvariantCulture, $"G{digits}");
            texts = (Text(one, format), Text(other, format));
        }

        return texts;
    }

    /// <summary>Formats a value of a scale whose steps are <paramref name="step"/>, with as many decimals as distinguish the steps.</summary>
    /// <param name="step">Above 0.</param>
    public static string InSteps(double value, double step) => step switch
    {
        // The remainder of a sum of steps that is mathematically 0.
        _ when Math.Abs(value) < step / 1000 => "0",
        >= 1 when Math.Abs(value) < 1e9 => Text(value, "#,0"),
        >= 1e-5 and < 1 when Math.Abs(value) < 1e9 => Text(value, "#,0." + new string('0', Leading(step) + 1)),
        _ => Text(value, "0.###e+0"),
    };

    /// <summary>Returns the number of zeros between the decimal point and the first significant digit of a value less than 1.</summary>
    private static int Leading(double size) => Math.Max(0, -(int)Math.Floor(Math.Log10(size) + 1e-9) - 1);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
