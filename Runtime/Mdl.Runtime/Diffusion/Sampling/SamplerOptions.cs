using System.Globalization;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>Noise added before a step: Karras et al. (2206.00364), algorithm 2.</summary>
/// <param name="Amount">S_churn: sigma grows by at most Amount / steps, and at most by sqrt(2) - 1, of itself.</param>
/// <param name="From">S_min.</param>
/// <param name="To">S_max.</param>
/// <param name="Scale">S_noise, the standard deviation of what is added.</param>
public readonly record struct Churn(double Amount, double From = 0, double To = double.PositiveInfinity, double Scale = 1);

/// <summary>Steps of Langevin dynamics before each step: Song et al. (2011.13456), algorithm 4.</summary>
/// <param name="SignalToNoise">r; norms in the step size are means over the batch, as published.</param>
/// <param name="Steps">How many.</param>
public readonly record struct LangevinCorrector(double SignalToNoise, int Steps = 1);

/// <summary>What a sampler does in a step. <see cref="SamplerNames"/> has those that people call by name.</summary>
public sealed record SamplerOptions
{
    /// <summary>How a step goes.</summary>
    public SamplerMethod Method { get; init; } = SamplerMethod.Multistep;

    /// <summary>2 or 3 for <see cref="SamplerMethod.Multistep"/> and <see cref="SamplerMethod.Adaptive"/>, 1 to 4 for <see cref="SamplerMethod.LinearMultistep"/> and
    /// <see cref="SamplerMethod.LogMultistep"/>, 1 to 3 for <see cref="SamplerMethod.UniPc"/>; else of no meaning.</summary>
    public int Order { get; init; } = 2;

    /// <summary>How much of the noise is anew: 0 deterministic, 1 as the reverse equation has it.</summary>
    public double Eta { get; init; }

    /// <summary>A factor on new noise.</summary>
    public double NoiseScale { get; init; } = 1;

    /// <summary>Whether new noise has the variance of the forward step, beta, instead of the posterior's ("fixed large" DDPM); variance preserving processes, eta 1.</summary>
    public bool LargeVariance { get; init; }

    /// <summary>Where in log sigma a second evaluation is, as a share of the step.</summary>
    public double Ratio { get; init; } = 0.5;

    /// <summary>Noise before each step.</summary>
    public Churn? Churn { get; init; }

    /// <summary>How exact adaptive steps are; else of no meaning.</summary>
    public StepTolerance Tolerance { get; init; } = StepTolerance.Default;

    /// <summary>Langevin dynamics before each step.</summary>
    public LangevinCorrector? Corrector { get; init; }

    /// <summary>Evaluations of the model in a step to a sigma above 0.</summary>
    public int EvaluationsPerStep => (Method is SamplerMethod.Heun or SamplerMethod.Midpoint or SamplerMethod.Singlestep or SamplerMethod.StochasticSinglestep ? 2 : 1)
        + (Corrector?.Steps ?? 0);

    /// <summary>Says what makes no sense, or nothing.</summary>
    public string? Problem()
    {
        if (!(Eta >= 0 && double.IsFinite(Eta)) || !(NoiseScale >= 0 && double.IsFinite(NoiseScale)))
        {
            return string.Create(CultureInfo.InvariantCulture, $"Eta and the scale of noise must be 0 or more, not {Eta} and {NoiseScale}.");
        }

        if (Eta > 0 && !(Method is SamplerMethod.Euler or SamplerMethod.Midpoint or SamplerMethod.Singlestep or SamplerMethod.StochasticSinglestep or SamplerMethod.Multistep))
        {
            return $"{Method} has no form with eta{(Method is SamplerMethod.UniPc or SamplerMethod.Adaptive ? "" : "; use churn for noise")}.";
        }

        if ((Method is SamplerMethod.UniPc or SamplerMethod.Adaptive) && (Churn is not null || Corrector is not null))
        {
            return $"{Method} compares a step with what it came from: no noise may come between.";
        }

        if (!(Tolerance.Relative >= 0 && Tolerance.Absolute >= 0 && Tolerance.Relative + Tolerance.Absolute > 0 && Tolerance.FirstStep > 0))
        {
            return "Adaptive steps need tolerances of 0 or more, one of them above 0, and a first step above 0.";
        }

        if (LargeVariance && (Method != SamplerMethod.Euler || Eta != 1))
        {
            return "The large variance belongs to first-order steps with eta 1.";
        }

        if (!(Ratio > 0 && Ratio <= 1))
        {
            return string.Create(CultureInfo.InvariantCulture, $"The second evaluation must be at a share above 0 and at most 1 of the step, not {Ratio}.");
        }

        if (Churn is { } churn && !(churn.Amount >= 0 && churn.Scale >= 0 && churn.From <= churn.To))
        {
            return "Churn needs an amount and a scale of 0 or more, and an interval of sigmas.";
        }

        if (Corrector is { } corrector && !(corrector.SignalToNoise > 0 && corrector.Steps > 0))
        {
            return "A corrector needs a signal-to-noise ratio above 0 and at least one step.";
        }

        return OrderProblem();
    }

    private string? OrderProblem() => Method switch
    {
        SamplerMethod.Multistep when Order is not (2 or 3) => $"Multistep samplers have order 2 or 3, not {Order}.",
        SamplerMethod.LinearMultistep or SamplerMethod.LogMultistep when Order is < 1 or > 4 => $"Linear multistep samplers have an order of 1 to 4, not {Order}.",
        SamplerMethod.UniPc when Order is < 1 or > 3 => $"UniPC has an order of 1 to 3, not {Order}.",
        SamplerMethod.Adaptive when Order is not (2 or 3) => $"Adaptive steps have order 2 or 3, not {Order}.",
        _ => null,
    };
}
