using Spectre.Console;

namespace Ling.Sample.Progress;

/// <summary>Chooses the view that suits the output.</summary>
public static class ProgressViews
{
    public static IProgressView Create(bool quiet) =>
        quiet ? new QuietView()
        : Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive ? new PlainView()
        : new LiveView();

    /// <summary>A duration such as 3:05 or 1:02:03.</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1 ? time.ToString(@"h\:mm\:ss") : time.ToString(@"m\:ss");
}

/// <summary>Shows nothing.</summary>
public sealed class QuietView : IProgressView
{
    public void During(Action body) => body();

    public void Show(ProgressState state)
    {
    }

    public void Tell(string line)
    {
    }
}
