using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>A <c>diffusion</c> declaration with its defaults put in.</summary>
/// <param name="ClassName">Its name.</param>
/// <param name="Doc">Its documentation, or "".</param>
/// <param name="Dimensions">The size of a sample where its type says a number, else null.</param>
/// <param name="Score">Where the score comes from.</param>
/// <param name="Process">How data become noise.</param>
/// <param name="Samplers">At least one.</param>
/// <param name="Schedule">Which noise levels are stepped through.</param>
/// <param name="Stop">Where sampling ends.</param>
/// <param name="Origin">Its place.</param>
public sealed record BoundDiffusion(
    string ClassName,
    string Doc,
    int? Dimensions,
    BoundScore Score,
    BoundProcess Process,
    EquatableArray<BoundSampler> Samplers,
    BoundSchedule Schedule,
    BoundStop Stop,
    Origin Origin)
{
    /// <summary>The name in its file.</summary>
    public Span NameSpan { get; init; }

    /// <summary>Guidance towards a condition, or null.</summary>
    public BoundGuidance? Guidance { get; init; }
}

/// <summary>Where a score comes from: <c>kernel(data, tail: gaussian(1))</c>, <c>mixture(weights: .., means: .., variances: ..)</c> or a network.</summary>
/// <param name="Data">The name of a kernel's data, or "" for a mixture.</param>
/// <param name="Tail">gaussian, threshold, max or none.</param>
/// <param name="TailWeight">Its weight.</param>
/// <param name="Weights">Of a mixture's parts.</param>
/// <param name="Means">Their means, one after the other.</param>
/// <param name="Variances">Their variances.</param>
public sealed record BoundScore(
    string Data, string Tail, double TailWeight, EquatableArray<double> Weights, EquatableArray<double> Means, EquatableArray<double> Variances)
{
    public bool IsKernel => Data.Length > 0;

    /// <summary>The network of a learned score, or null.</summary>
    public BoundNetwork? Network { get; init; }

    /// <summary>The network's block as the source writes it.</summary>
    internal Syntax.ExpressionSyntax? Block { get; init; }
}

/// <summary>How data become noise: ve, linear, scaled, cosine, continuous (the last four preserve variance), subvp or flow.</summary>
public sealed record BoundProcess(string Kind, EquatableArray<double> Numbers)
{
    public bool IsDiscrete => Kind is "linear" or "scaled" or "cosine";
}

/// <summary>What a step does; the words are those of the runtime's options.</summary>
/// <param name="Name">As written, or made of the words of an order.</param>
/// <param name="Steps">How many.</param>
/// <param name="Rule">What a step does.</param>
/// <param name="Churn">Amount, from, to and scale, or nothing.</param>
/// <param name="Corrector">Signal-to-noise ratio and number of steps, or nothing.</param>
public sealed record BoundSampler(string Name, int Steps, SamplerRule Rule, EquatableArray<double> Churn, EquatableArray<double> Corrector);

/// <summary>Noise levels: karras, geometric, polyexponential, linear, index, shifted or sigmas.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Parameter">rho, or the shift.</param>
/// <param name="Spacing">trailing, leading or linspace for index.</param>
/// <param name="From">The first level where the file gives it.</param>
/// <param name="To">The last level above 0 where the file gives it.</param>
/// <param name="Sigmas">All levels for sigmas.</param>
public sealed record BoundSchedule(string Kind, double Parameter, string Spacing, double? From, double? To, EquatableArray<double> Sigmas);

/// <summary>Where sampling ends: zero, sigma or minimax, with the value of the latter two.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Value">sigma, or beta.</param>
/// <param name="Denoises">Whether a last step returns the denoised point.</param>
public sealed record BoundStop(string Kind, double Value, bool Denoises);
