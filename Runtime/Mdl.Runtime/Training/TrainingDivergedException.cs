using System.Globalization;

namespace Mdl.Runtime.Training;

/// <summary>The loss or the gradient is not a finite number. The weights are as they were before the step.</summary>
/// <param name="step">The step that failed, counted from 1.</param>
/// <param name="quantity">"loss" or "gradient norm".</param>
/// <param name="value">Its value.</param>
public sealed class TrainingDivergedException(long step, string quantity, double value) : Exception(
    string.Create(CultureInfo.InvariantCulture, $"Training diverged: the {quantity} is {value} at step {step}; the weights are those of step {step - 1}."))
{
    /// <summary>The step that failed, counted from 1.</summary>
    public long Step { get; } = step;

    /// <summary>The value that is not finite.</summary>
    public double Value { get; } = value;
}
