using Mdl.Runtime.Models;

namespace Mdl.Runtime.Training;

/// <summary>The size of a batch and the length of a training run.</summary>
public sealed record TrainingOptions
{
    /// <summary>Sequences in a batch.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Predicted tokens in a sequence.</summary>
    public int Length { get; init; } = 256;

    /// <summary>All steps of the run; schedules that decay need them.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Optimizer and schedule; the model's train declaration if null.</summary>
    public TrainSettings? Settings { get; init; }

    /// <summary>Throws for a value that cannot be trained with.</summary>
    /// <exception cref="ArgumentException">The message names the value and its range.</exception>
    internal void Validate()
    {
        Require(Batch >= 1, nameof(Batch), Batch, "at least 1");
        Require(Length >= 1, nameof(Length), Length, "at least 1");
        Require(Steps >= 1, nameof(Steps), Steps, "at least 1");
        if (Settings is { } settings)
        {
            Validate(settings);
        }
    }

    internal static void Validate(TrainSettings settings)
    {
        Require(double.IsFinite(settings.LearningRate) && settings.LearningRate >= 0, nameof(settings.LearningRate), settings.LearningRate, "finite and not negative");
        Require(settings.Beta1 is >= 0 and < 1, nameof(settings.Beta1), settings.Beta1, "in [0, 1)");
        Require(settings.Beta2 is >= 0 and < 1, nameof(settings.Beta2), settings.Beta2, "in [0, 1)");
        Require(settings.Epsilon > 0, nameof(settings.Epsilon), settings.Epsilon, "above 0");
        Require(settings.WeightDecay >= 0, nameof(settings.WeightDecay), settings.WeightDecay, "not negative");
        Require(settings.Clip >= 0, nameof(settings.Clip), settings.Clip, "not negative (0 for no clipping)");
        Require(settings.Warmup >= 0, nameof(settings.Warmup), settings.Warmup, "not negative");
        Require(settings.FinalRate is >= 0 and <= 1, nameof(settings.FinalRate), settings.FinalRate, "in [0, 1]");
        Require(settings.DecayShare is >= 0 and <= 1, nameof(settings.DecayShare), settings.DecayShare, "in [0, 1]");
    }

    private static void Require(bool holds, string name, IFormattable value, string range)
    {
        if (!holds)
        {
            throw new ArgumentException(
                $"The training option {name} is {value.ToString(null, System.Globalization.CultureInfo.InvariantCulture)}; it must be {range}.");
        }
    }
}
