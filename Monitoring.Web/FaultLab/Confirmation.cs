using MudBlazor;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

internal static class Confirmation
{
    private static readonly DialogOptions Narrow = new() { MaxWidth = MaxWidth.ExtraSmall, FullWidth = true, CloseOnEscapeKey = true };

    /// <summary>Asks for confirmation before something is broken.</summary>
    /// <returns>Whether it was confirmed.</returns>
    public static async Task<bool> ConfirmAsync(this IDialogService dialogs, string title, string message, string yes) =>
        await dialogs.ShowMessageBoxAsync(new MessageBoxOptions { Title = title, Message = message, YesText = yes, CancelText = "Cancel" }, Narrow) == true;
}
