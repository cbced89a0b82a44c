using System.Diagnostics;
using Microsoft.Playwright;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.PixelFormats;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>Screenshots of a page as an animation. Each frame is shown for as long as it was visible.</summary>
internal sealed class MovingPicture
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(4);

    private readonly List<(TimeSpan At, byte[] Png)> _shots = [];

    /// <summary>Takes screenshots until it is cancelled.</summary>
    public async Task FollowAsync(IPage page, CancellationToken end)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(Interval);
        do
        {
            _shots.Add((clock.Elapsed, await page.ScreenshotAsync(new() { Animations = ScreenshotAnimations.Disabled })));
        }
        while (await WaitAsync(timer, end));
    }

    /// <summary>Writes a GIF. A frame contains what differs from the previous one, and is transparent elsewhere.</summary>
    public async Task SaveAsync(string path)
    {
        using var moving = Image.Load<Rgba32>(_shots[0].Png);
        moving.Metadata.GetGifMetadata().RepeatCount = 0;
        using var shown = moving.Clone();
        for (var i = 1; i < _shots.Count; i++)
        {
            using var next = Image.Load<Rgba32>(_shots[i].Png);
            LeaveWhatDiffers(shown, next);
            moving.Frames.AddFrame(next.Frames.RootFrame);
        }

        for (var i = 0; i < _shots.Count; i++)
        {
            var stands = i + 1 < _shots.Count ? _shots[i + 1].At - _shots[i].At : AtTheEnd;
            var frame = moving.Frames[i].Metadata.GetGifMetadata();
            frame.FrameDelay = (int)(stands.TotalMilliseconds / 10);
            frame.DisposalMethod = GifDisposalMethod.NotDispose;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await moving.SaveAsGifAsync(path, new GifEncoder { ColorTableMode = GifColorTableMode.Local });
    }

    private static void LeaveWhatDiffers(Image<Rgba32> shown, Image<Rgba32> next) => shown.ProcessPixelRows(next, (before, after) =>
    {
        for (var y = 0; y < before.Height; y++)
        {
            var old = before.GetRowSpan(y);
            var now = after.GetRowSpan(y);
            for (var x = 0; x < old.Length; x++)
            {
                if (now[x] == old[x]) now[x] = default;
                else old[x] = now[x];
            }
        }
    });

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken end)
    {
        try
        {
            return await timer.WaitForNextTickAsync(end);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
