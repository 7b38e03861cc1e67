using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>How a parameter or state starts: every element <c>Value</c>, or drawn from N(0, Value^2).</summary>
public sealed record Initializer(bool IsNormal, double Value);

/// <summary>
/// One parameter or state of a preset. Path holds an index pattern for what repeats: <c>layers[{i}].attention.qkv</c>, whose instances are i =
/// FirstIndex .. FirstIndex + Repeats - 1 and whose tensor in the graph is [Repeats, ..Shape]. Outside a repetition Repeats is 0 and the tensor is [..Shape].
/// Experts are an axis of Shape, not instances: <c>layers[{i}].ffn.experts.up</c> is [experts, width, D].
/// </summary>
public sealed record BoundParameter(
    string Path,
    EquatableArray<long> Shape,
    int Repeats,
    int FirstIndex,
    Initializer Initial,
    bool IsState,
    string Doc,
    Origin Origin)
{
    /// <summary>Whether it is declared <c>in f32</c>: held and multiplied in single precision whatever the others are in.</summary>
    public bool IsSingle { get; init; }

    /// <summary>Whether training leaves it as it is: it has no gradient, and a state no next value.</summary>
    public bool IsFrozen { get; init; }

    /// <summary>Whether the first axis of Shape is one of experts.</summary>
    public bool HasExperts { get; init; }

    /// <summary>Which factor of an adapter it is, if any.</summary>
    public AdapterPart Adapter { get; init; }

    /// <summary>The <see cref="Key"/> of the matrix whose adapter it is part of.</summary>
    public string AdapterOf { get; init; } = "";

    public bool IsTrained => !IsState && !IsFrozen;

    /// <summary>
    /// The name of the tensor in the graphs (<see cref="Parameter"/>, <see cref="OutputKind.State"/>): Path with the range of instances in place of the index, as in
    /// <c>layers[1..3].attention.qkv</c>. Unlike Path it is unique: a dense and a sparse stack of layers share their paths.
    /// </summary>
    public string Key => KeyOf(Path, Repeats, FirstIndex);

    public EquatableArray<Dim> TensorShape => Repeats == 0
        ? Shape.Select(n => (Dim)n).ToEquatableArray()
        : [Repeats, .. Shape.Select(n => (Dim)n)];

    public long Size => Math.Max(Repeats, 1) * Shape.Aggregate(1L, (a, b) => checked(a * b));

    internal static string KeyOf(string path, int repeats, int firstIndex) =>
        repeats == 0 ? path : path.Replace("{i}", FormattableString.Invariant($"{firstIndex}..{firstIndex + repeats - 1}"));
}

public enum OutputKind
{
    /// <summary>The scalar that training minimises; one per graph, its shape all ones.</summary>
    Loss,

    /// <summary>A tensor worth watching, named: "nll" (mean next-token loss), "mtp" (mean over depths, unweighted), "aux" (sum of the routers' losses).</summary>
    Metric,

    /// <summary>Load of each expert, [experts] or [repeats, experts]; named after its moe as <see cref="BoundParameter.Key"/> names a parameter: <c>layers[1..3].ffn</c>.</summary>
    Load,

    /// <summary>The next value of the state whose <see cref="BoundParameter.Key"/> is the name.</summary>
    State,

    /// <summary>What the model returns, under its label ("logits" where it has none).</summary>
    Result,

    /// <summary>A value that the model, or one depth of its mtp block, hands to the next depth, under its name; see <see cref="BoundDrafts"/>.</summary>
    Carried,
}

/// <summary>What an output of a graph is for; in the order of the graph's outputs.</summary>
public sealed record GraphOutput(OutputKind Kind, string Name);

/// <summary>A graph with the meaning of its outputs. Symbols: B (batch) and T (time), whatever letters the model's input uses.</summary>
public sealed record BoundGraph(Graph Graph, EquatableArray<GraphOutput> Outputs);

/// <summary>The values of a <c>train</c> declaration, with defaults where it is silent.</summary>
public sealed record TrainSettings(
    string Name,
    double LearningRate,
    double Beta1,
    double Beta2,
    double Epsilon,
    double WeightDecay,
    double Clip,
    string Schedule,
    int Warmup,
    double FinalRate,
    double DecayShare,
    string Precision,
    bool RecomputeLayers)
{
    /// <summary>Whether the loss weighs its targets: the training graph then takes the weight of each token as a target.</summary>
    public bool IsMasked { get; init; }

    /// <summary>The weight of multi-token prediction, if not the model's own. With 0 its parameters are there and have no part in training.</summary>
    public double? MtpWeight { get; init; }

    /// <summary>Parameters and states that training leaves as they are.</summary>
    public EquatableArray<ParameterPattern> Frozen { get; init; } = [];

    /// <summary>Adapters, beside which all else is frozen; or null.</summary>
    public AdapterSettings? Adapters { get; init; }

    public static TrainSettings Default { get; } = new("", 3e-4, 0.9, 0.95, 1e-8, 0.1, 1.0, "constant", 0, 0.1, 0.1, "f32", false);
}

/// <summary>
/// The mtp block as programs that predict further ahead while a text is written, one for each depth. Inputs of a depth: "next" int[B, T], the tokens
/// that many positions later, and <see cref="Given"/> for each of <see cref="Names"/>; outputs: logits [B, T, V] and the same names as the depth leaves them.
/// </summary>
/// <param name="Names">The names of the model that the block reads and that depend on the tokens; the outputs <see cref="OutputKind.Carried"/> of Forward.</param>
/// <param name="Depths">Their graphs.</param>
/// <param name="Chains">Whether the last depth may be applied again and again: it sets all the names that it reads.</param>
/// <param name="Problem">Why there are no such programs, or null.</param>
public sealed record BoundDrafts(EquatableArray<string> Names, EquatableArray<BoundGraph> Depths, bool Chains, string? Problem)
{
    public static BoundDrafts None { get; } = new([], [], false, null);

    /// <summary>The graph input for a name.</summary>
    public static string Given(string name) => "given " + name;
}

/// <summary>
/// A preset with all build-time sizes put in. Forward: inputs "tokens" int[B, T], result logits [B, T, V], and what the mtp block reads. Training: input "tokens"
/// int[B, T + 1 + MtpDepth], and "target_weights" [B, T + 1 + MtpDepth] if the objective is masked; outputs Loss, Metric "nll" and, where there are any, "mtp", "aux", loads, states.
/// </summary>
public sealed record BoundModel(
    string ClassName,
    string ModelName,
    string PresetName,
    string Doc,
    EquatableArray<(string Name, double Value)> Arguments,
    EquatableArray<BoundParameter> Parameters,
    BoundGraph Forward,
    BoundGraph Training,
    int MtpDepth,
    EquatableArray<TrainSettings> Trains,
    Origin Origin)
{
    /// <summary>The settings that decide what is compiled in.</summary>
    public TrainSettings Settings => Trains.Count > 0 ? Trains[0] : TrainSettings.Default;

    /// <summary>The mtp block for decoding.</summary>
    public BoundDrafts Drafts { get; init; } = BoundDrafts.None;

    /// <summary>The preset's name in its file.</summary>
    public Span NameSpan { get; init; }

    /// <summary>The doc comments of the blocks that hold parameters, by <see cref="BlockKey"/>.</summary>
    public EquatableArray<(string Key, string Doc)> BlockDocs { get; init; } = [];

    /// <summary>Where published checkpoints keep the parameters; only declarations that cover all of them.</summary>
    public EquatableArray<BoundCheckpoint> Checkpoints { get; init; } = [];

    /// <summary>Names an instance of a block: its path, and the first index of the repetition that it stands in.</summary>
    public static string BlockKey(string path, int firstIndex) => path + "@" + firstIndex.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
