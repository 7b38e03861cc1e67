using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>What a name or an expression stands for while a model is elaborated.</summary>
internal abstract record Entity
{
    /// <summary>The kind in the words of a message.</summary>
    public abstract string Kind { get; }
}

/// <summary>The result of an expression with an error that has been reported: whatever uses it stays silent.</summary>
internal sealed record Poison : Entity
{
    public static Poison Instance { get; } = new();

    public override string Kind => "an error";
}

/// <summary>A number known at build time that is not an integer.</summary>
internal sealed record Number(double Value) : Entity
{
    public override string Kind => "a number";
}

/// <summary>An integer known at build time, or a size with symbols in it such as <c>B*T</c>.</summary>
internal sealed record Size(Dim Dim) : Entity
{
    public override string Kind => Dim.IsConstant ? "a number" : "a size";
}

/// <summary>A string, or a bare word such as <c>causal</c>.</summary>
internal sealed record Word(string Text) : Entity
{
    public override string Kind => "a word";
}

/// <summary>A list of build-time values, or the several results of a call.</summary>
internal sealed record Series(EquatableArray<Entity> Items) : Entity
{
    public override string Kind => Items.Any(i => i is Tensor) ? $"{Items.Count} results" : "a list";
}

/// <summary>What the first axis of a tensor is, as far as experts go.</summary>
internal enum Lead
{
    Plain,

    /// <summary>The rows that were dispatched to experts; they may not be mixed.</summary>
    Rows,

    /// <summary>A hidden axis of experts, not in the type: a parameter that every expert has.</summary>
    Experts,
}

/// <summary>
/// A value of a region's graph. Bit j of Ghosts is set where axis j, counted from the last, has size 1 because it was reduced. InF32 marks a
/// parameter that is declared <c>in f32</c>, and its transpose: what contracts it stays in single precision.
/// </summary>
internal sealed record Tensor(
    Region Region, Value Value, TensorType Type, int Ghosts = 0, Lead Lead = Lead.Plain, ExpertRows? Experts = null, bool InF32 = false) : Entity
{
    /// <summary>What the value of a parameter with an adapter, or its transpose, is made of.</summary>
    public Adapted? Adapter { get; init; }

    public override string Kind => $"a tensor {Type}";

    public int Rank => Type.Rank;

    public EquatableArray<Dim> Shape => Type.Shape;

    public bool IsGhost(int axis) => (Ghosts >> (Rank - 1 - axis) & 1) != 0;
}

/// <summary>A piece of width zero: it has no value in the graph and vanishes in <c>concat</c>.</summary>
internal sealed record EmptyTensor(TensorType Type) : Entity
{
    public override string Kind => $"a tensor {Type} without elements";
}

/// <summary>The name of a declared block, function, router, moe or model.</summary>
internal sealed record DeclarationName(Declaration Declaration) : Entity
{
    public override string Kind => $"the block `{Declaration.Name}`";
}

/// <summary>A block with its build-time arguments but no place for its parameters yet.</summary>
internal sealed record Template(Declaration Declaration, IReadOnlyDictionary<string, Entity> Arguments) : Entity
{
    public override string Kind => $"a block `{Declaration.Name}`";
}

/// <summary>A block with a place for its parameters.</summary>
internal sealed record Instance(Template Template, Home Home) : Entity
{
    public override string Kind => $"a block `{Template.Declaration.Name}`";
}

/// <summary><c>repeat n { Block(...) }</c> with a place for its parameters: instances <c>Segment[FirstIndex]</c> and following.</summary>
internal sealed record Repetition(int Count, Template Template, Home Home, string Segment, int FirstIndex) : Entity
{
    public override string Kind => $"a repetition of `{Template.Declaration.Name}`";
}

/// <summary>Where parameters are made: the region whose graph holds them, and the path before their names.</summary>
internal sealed record Home(Region Region, string Path, ExpertRows? Experts = null)
{
    public string PathOf(string name) => Path.Length == 0 ? name : Path + "." + name;

    public Home Inside(string segment) => this with { Path = PathOf(segment) };
}

/// <summary>The dispatched rows that a moe's experts work on: expert of each row, first row of each expert.</summary>
internal sealed record ExpertRows(Region Region, int Count, Value Expert, Value Offsets, Dim Rows);

/// <summary>What a router needs to know of its moe in order to count loads.</summary>
internal sealed record RouterContext(int Experts, double CapacityFactor);
