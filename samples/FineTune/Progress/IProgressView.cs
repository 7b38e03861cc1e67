using Mdl.Runtime.Training;
using Spectre.Console;

namespace Ling.FineTune.Progress;

/// <summary>What is shown of a step.</summary>
public sealed record ProgressState(StepResult Result, long Steps, double? HeldOut, double TokensPerSecond, TimeSpan TimeLeft);

/// <summary>Shows a run while it goes on.</summary>
public interface IProgressView
{
    /// <summary>Shows progress as long as <paramref name="body"/> runs.</summary>
    void During(Action body);

    /// <summary>Shows a step; called after every one.</summary>
    void Show(ProgressState state);

    /// <summary>Tells something about the run, outside <see cref="During"/>.</summary>
    void Tell(string line);

    /// <summary>The view that suits the output.</summary>
    static IProgressView Create(bool quiet) =>
        quiet ? new QuietView()
        : Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive ? new PlainView()
        : new LiveView();
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
