using System.Globalization;

namespace Ling.Sample.Progress;

/// <summary>Lines of text, for files and pipes: the first step, then one every ten, and each with a new held-out loss.</summary>
public sealed class PlainView : IProgressView
{
    private const int Interval = 10;
    private double? _heldOut;

    public void During(Action body) => body();

    public void Show(ProgressState state)
    {
        var r = state.Result;
        var isNew = state.HeldOut != _heldOut;
        if (r.Step != 1 && r.Step != state.Steps && r.Step % Interval != 0 && !isNew)
        {
            return;
        }

        _heldOut = state.HeldOut;
        var heldOut = isNew ? string.Create(CultureInfo.InvariantCulture, $"  held-out {state.HeldOut:F4}") : "";
        var balance = state.Balance.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  max expert load {state.Balance.Max(b => b.Most):F2}x");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"step {r.Step}/{state.Steps}  loss {r.Nll:F4}  mtp {r.MtpNll:F4}  lr {r.LearningRate:G3}  {state.TokensPerSecond:F0} tokens/s{balance}  left {ProgressViews.Duration(state.TimeLeft)}{heldOut}"));
    }

    public void Tell(string line) => Console.WriteLine(line);
}
