using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Models;

/// <summary>How a parameter starts: all elements <paramref name="Value"/>, or drawn from N(0, Value^2).</summary>
/// <param name="IsNormal">True for the normal distribution.</param>
/// <param name="Value">The constant, or the standard deviation.</param>
public readonly record struct Initializer(bool IsNormal, double Value);

/// <summary>One parameter or state and where it lies in the model's weight memory.</summary>
/// <param name="Path">
/// The path in the source; a repeated one has <c>{i}</c> in it, as in <c>layers[{i}].attention.qkv</c>, for i = FirstIndex .. FirstIndex + Repeats - 1.
/// </param>
/// <param name="Offset">The first element in the weight memory, in floats; a multiple of 16.</param>
/// <param name="Shape">The shape of one instance.</param>
/// <param name="Repeats">The number of instances, one behind the other; 0 for a parameter that is not repeated (and has one instance).</param>
/// <param name="FirstIndex">The index of the first instance.</param>
/// <param name="Initial">How it starts.</param>
/// <param name="IsState">True for what training changes otherwise than by gradients, such as a router's bias.</param>
/// <param name="IsSingle">True for what the source declares <c>in f32</c>: it is held and multiplied in single precision whatever the others are in.</param>
/// <param name="IsFrozen">True for what training leaves as it is: it has no gradient and no moments.</param>
public sealed record ParameterInfo(
    string Path, long Offset, IReadOnlyList<long> Shape, int Repeats, int FirstIndex, Initializer Initial, bool IsState, bool IsSingle = false, bool IsFrozen = false)
{
    /// <summary>Elements of one instance.</summary>
    public long InstanceSize { get; } = Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>Number of instances, at least one.</summary>
    public int Instances => Math.Max(Repeats, 1);

    /// <summary>Elements of all instances.</summary>
    public long Size => InstanceSize * Instances;

    /// <summary>Whether gradients change it.</summary>
    public bool IsTrained => !IsState && !IsFrozen;

    /// <summary>Part of multi-token prediction.</summary>
    public bool IsMtp => Path.StartsWith("mtp.", StringComparison.Ordinal) || Path.StartsWith("mtp[", StringComparison.Ordinal);

    /// <summary>Weight decay applies to matrices and higher; gains, biases and states are left alone.</summary>
    public bool Decays => !IsState && Shape.Count >= 2;

    /// <summary>The path of one instance: <c>layers[2].attention.qkv</c>.</summary>
    public string InstancePath(int instance) =>
        Path.Replace("{i}", (FirstIndex + instance).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
}

/// <summary>
/// A low-rank adapter: the model computes with W + scale B A in place of a matrix W [.., outputs, inputs], where only A [.., rank, inputs] and
/// B [.., outputs, rank] are trained (Hu et al., "LoRA", 2021, section 4.1). Experts are the leading axis of all three.
/// </summary>
/// <param name="Matrix">The index of W in <see cref="ModelInfo.Parameters"/>.</param>
/// <param name="A">That of A.</param>
/// <param name="B">That of B.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Scale">alpha / rank.</param>
public sealed record AdapterInfo(int Matrix, int A, int B, int Rank, double Scale);

/// <summary>A tensor that a training program leaves for its caller: a loss part or the load of experts.</summary>
/// <param name="Name">"loss", "nll", "mtp", "aux", or the path of a moe.</param>
/// <param name="IsLoad">True for expert loads, whose rows are repetitions and whose columns are experts.</param>
/// <param name="Rows">Rows; 1 for scalars.</param>
/// <param name="Columns">Columns; 1 for scalars.</param>
/// <param name="Offset">Index of the first element in <see cref="TrainingProgram.Metrics"/>.</param>
public sealed record MetricInfo(string Name, bool IsLoad, int Rows, int Columns, int Offset);

/// <summary>The values of a <c>train</c> declaration.</summary>
/// <param name="LearningRate">Peak learning rate.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay, per unit of learning rate.</param>
/// <param name="Clip">Largest global norm of the gradient; 0 for none.</param>
/// <param name="Schedule">"constant", "cosine" or "wsd".</param>
/// <param name="Warmup">Steps of linear warm-up.</param>
/// <param name="FinalRate">Share of the peak rate that is left at the end (cosine, wsd).</param>
/// <param name="DecayShare">Share of all steps that the wsd schedule spends decaying.</param>
public sealed record TrainSettings(
    double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay, double Clip,
    string Schedule, int Warmup, double FinalRate, double DecayShare)
{
    /// <summary>The numbers of an update.</summary>
    /// <param name="step">The step, from 1 on.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="norm">The global norm of the gradient, which is clipped.</param>
    /// <param name="decays">Whether decay applies.</param>
    public AdamWStep Update(long step, double rate, double norm, bool decays) => new(
        LearningRate: (float)rate,
        Beta1: (float)Beta1,
        Beta2: (float)Beta2,
        Epsilon: (float)Epsilon,
        WeightDecay: decays ? (float)WeightDecay : 0,
        Correction1: (float)(1 - Math.Pow(Beta1, step)),
        Correction2: (float)(1 - Math.Pow(Beta2, step)),
        GradientScale: (float)(Clip > 0 && norm > Clip ? Clip / norm : 1));
}

/// <summary>What generated code knows of its model.</summary>
/// <param name="Name">The class name, such as <c>LingNano</c>.</param>
/// <param name="Parameters">Trainable parameters first, then frozen ones, then states.</param>
/// <param name="TrainableSize">Floats of weight memory that hold trainable parameters, padding included.</param>
/// <param name="TotalSize">Floats of weight memory.</param>
/// <param name="Vocabulary">Width of the logits.</param>
/// <param name="MtpDepth">Number of multi-token prediction depths.</param>
/// <param name="Train">Settings of the train declaration.</param>
/// <param name="Metrics">What a training program leaves; the first is "loss".</param>
public sealed record ModelInfo(
    string Name, IReadOnlyList<ParameterInfo> Parameters, long TrainableSize, long TotalSize,
    int Vocabulary, int MtpDepth, TrainSettings Train, IReadOnlyList<MetricInfo> Metrics)
{
    /// <summary>Whether the loss weighs its targets: see <see cref="TrainingProgram.TargetWeights"/>.</summary>
    public bool IsMasked { get; init; }

    /// <summary>Low-rank adapters, if the model is compiled with any.</summary>
    public IReadOnlyList<AdapterInfo> Adapters { get; init; } = [];

    /// <summary>Number of the model's values, without states, adapters, padding and multi-token prediction.</summary>
    public long ParameterCount => Own.Where(p => !p.IsMtp).Sum(p => p.Size);

    /// <summary>Number of the values of multi-token prediction.</summary>
    public long MtpParameterCount => Own.Where(p => p.IsMtp).Sum(p => p.Size);

    /// <summary>Number of the values that training changes by gradients.</summary>
    public long TrainedCount => Parameters.Where(p => p.IsTrained).Sum(p => p.Size);

    /// <summary>Whether a parameter is a factor of an adapter.</summary>
    /// <param name="parameter">Its index in <see cref="Parameters"/>.</param>
    public bool IsAdapter(int parameter) => Adapters.Any(a => a.A == parameter || a.B == parameter);

    private IEnumerable<ParameterInfo> Own => Parameters.Where((p, i) => !p.IsState && !IsAdapter(i));
}
