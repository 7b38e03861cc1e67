using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Ling.Sample.Progress;

/// <summary>A table that changes in place, for terminals.</summary>
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

        _sinceShown.Restart();
        _live.UpdateTarget(new Rows(Bar(state), Figures(state), Experts(state)));
        _live.Refresh();
    }

    public void Tell(string line) => AnsiConsole.WriteLine(line);

    private static Markup Bar(ProgressState state)
    {
        const int Width = 40;
        var done = (int)(Width * state.Result.Step / state.Steps);
        return new Markup(string.Create(
            CultureInfo.InvariantCulture,
            $"[green]{new string('━', done)}[/][grey]{new string('━', Width - done)}[/] step {state.Result.Step}/{state.Steps}, {ProgressViews.Duration(state.TimeLeft)} left"));
    }

    private static Table Figures(ProgressState state)
    {
        var r = state.Result;
        var table = new Table().RoundedBorder();
        foreach (var heading in new[] { "loss", "mtp loss", "held-out", "gradient norm", "learning rate", "tokens/s" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        return table.AddRow(
            Number(r.Nll, "F4"), Number(r.MtpNll, "F4"), state.HeldOut is { } loss ? Number(loss, "F4") : "-",
            Number(r.GradientNorm, "F3"), Number(r.LearningRate, "G3"), Number(state.TokensPerSecond, "F0"));
    }

    private static IRenderable Experts(ProgressState state)
    {
        if (state.Balance.Count == 0)
        {
            return new Text("");
        }

        var table = new Table().RoundedBorder().AddColumn("experts of").AddColumn(new TableColumn("least / mean load").RightAligned())
            .AddColumn(new TableColumn("most / mean load").RightAligned());
        foreach (var (layer, least, most) in state.Balance)
        {
            var color = most < 1.5 ? "green" : most < 3 ? "yellow" : "red";
            table.AddRow(Markup.Escape(layer), Number(least, "F2"), $"[{color}]{Number(most, "F2")}[/]");
        }

        return table;
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
