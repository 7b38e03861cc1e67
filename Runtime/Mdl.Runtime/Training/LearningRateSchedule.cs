using Mdl.Runtime.Models;

namespace Mdl.Runtime.Training;

/// <summary>
/// The learning rate of each step. Step t counts from 1; N is the number of all steps, W the warm-up, P the peak rate, F the final share.
/// <list type="bullet">
/// <item>Warm-up, t &lt; W: P t / W, whatever the schedule.</item>
/// <item>constant: P.</item>
/// <item>cosine: P (F + (1 - F) (1 + cos(pi x)) / 2) with x = (t - W) / (N - W).</item>
/// <item>wsd (warm-up, stable, decay): P until the last D = round(DecayShare N) steps, then P (F + (1 - F) (1 - sqrt(x))) with
/// x = (t - (N - D)) / D: the 1-sqrt shape of Haegele et al., "Scaling laws and compute-optimal training beyond fixed training durations", 2024.</item>
/// </list>
/// Steps after N keep the rate of step N.
/// </summary>
public sealed class LearningRateSchedule
{
    private readonly TrainSettings _settings;
    private readonly long _steps;

    /// <summary>Creates a schedule.</summary>
    /// <param name="settings">Peak rate, warm-up and shape.</param>
    /// <param name="steps">All steps of the training run.</param>
    /// <exception cref="ArgumentException">The name of the schedule is unknown.</exception>
    public LearningRateSchedule(TrainSettings settings, long steps)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Schedule is not ("constant" or "cosine" or "wsd"))
        {
            throw new ArgumentException($"The schedule \"{settings.Schedule}\" is unknown; there are constant, cosine and wsd.", nameof(settings));
        }

        _settings = settings;
        _steps = steps;
    }

    /// <summary>The rate of a step, counted from 1.</summary>
    public double At(long step)
    {
        var peak = _settings.LearningRate;
        if (step < _settings.Warmup)
        {
            return peak * step / _settings.Warmup;
        }

        return _settings.Schedule switch
        {
            "cosine" => peak * Mix((1 + Math.Cos(Math.PI * Progress(step, _settings.Warmup, _steps))) / 2),
            "wsd" => peak * Mix(1 - Math.Sqrt(Progress(step, _steps - (long)Math.Round(_settings.DecayShare * _steps), _steps))),
            _ => peak,
        };
    }

    private static double Progress(long step, long begin, long end) => begin >= end ? 0 : Math.Clamp((step - begin) / (double)(end - begin), 0, 1);

    private double Mix(double share) => _settings.FinalRate + ((1 - _settings.FinalRate) * share);
}
