using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Ling.FineTune.Progress;

/// <summary>Lines that change in place, for terminals.</summary>
public sealed class LiveView : IProgressView
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly Stopwatch _sinceShown = Stopwatch.StartNew();
    private LiveDisplayContext? _live;

    public void During(Action body) => AnsiConsole.Live(new Text("compiling kernels for the first step ...")).Start(live =>
    {
        _live = live;
        try
        {
            body();
        }
        finally
        {
            _live = null;
        }
    });

    public void Show(ProgressState state)
    {
        if (_live is null || (_sinceShown.Elapsed < Interval && state.Result.Step != 1 && state.Result.Step != state.Steps))
        {
            return;
        }

        const int Width = 40;
        _sinceShown.Restart();
        var done = (int)(Width * state.Result.Step / state.Steps);
        var heldOut = state.HeldOut is { } loss ? string.Create(CultureInfo.InvariantCulture, $"  held-out {loss:F4}") : "";
        _live.UpdateTarget(new Rows(
            new Markup($"[green]{new string('━', done)}[/][grey]{new string('━', Width - done)}[/]"), new Text(PlainView.Describe(state, heldOut))));
        _live.Refresh();
    }

    public void Tell(string line) => AnsiConsole.WriteLine(line);
}
