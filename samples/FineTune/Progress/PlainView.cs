using System.Globalization;

namespace Ling.FineTune.Progress;

/// <summary>Lines of text, for files and pipes: the first step, then one every ten, and each with a new held-out loss.</summary>
public sealed class PlainView : IProgressView
{
    private const int Interval = 10;
    private double? _heldOut;

    public static string Describe(ProgressState state, string heldOut) => string.Create(
        CultureInfo.InvariantCulture,
        $"step {state.Result.Step}/{state.Steps}  loss {state.Result.Nll:F4}  gradient {state.Result.GradientNorm:G3}  lr {state.Result.LearningRate:G3}  {state.TokensPerSecond:F0} tokens/s  left {state.TimeLeft:h\\:mm\\:ss}{heldOut}");

    public void During(Action body) => body();

    public void Show(ProgressState state)
    {
        var isNew = state.HeldOut != _heldOut;
        _heldOut = state.HeldOut;
        if (state.Result.Step == 1 || state.Result.Step == state.Steps || state.Result.Step % Interval == 0 || isNew)
        {
            Console.WriteLine(Describe(state, isNew ? string.Create(CultureInfo.InvariantCulture, $"  held-out {state.HeldOut:F4}") : ""));
        }
    }

    public void Tell(string line) => Console.WriteLine(line);
}
