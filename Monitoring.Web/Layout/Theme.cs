using MudBlazor;

namespace FactoryMonitoring.Monitoring.Web.Layout;

/// <summary>
/// MudBlazor's theme with the product's fonts and shapes. Its colors are set in app.css, where the variables of its palette refer to the product's: the
/// browser alone switches between dark and light, and no page is rendered twice.
/// </summary>
internal static class Theme
{
    private static readonly string[] Family = ["Inter", "system-ui", "sans-serif"];

    public static readonly MudTheme Factory = new()
    {
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "8px" },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Family, FontSize = "14px", LineHeight = "20px", LetterSpacing = "0" },
            Body1 = new Body1Typography { FontFamily = Family, FontSize = "14px", LineHeight = "20px", LetterSpacing = "0" },
            Body2 = new Body2Typography { FontFamily = Family, FontSize = "14px", LineHeight = "20px", LetterSpacing = "0" },
            Button = new ButtonTypography { FontFamily = Family, FontSize = "14px", LineHeight = "20px", LetterSpacing = "0", TextTransform = "none", FontWeight = "500" },
        },
    };
}
