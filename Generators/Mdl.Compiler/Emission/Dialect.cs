using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>What the programs of different devices say differently: how they name memory, and how they write fused kernels.</summary>
internal abstract class Dialect
{
    /// <summary>An argument that stands for no memory.</summary>
    public abstract string NoMemory { get; }

    /// <summary>What a call says of the sizes [m, k] x [k, n] of a product, where they are the model's.</summary>
    public virtual string Known(Dim m, Dim n, Dim k) => "";

    /// <summary>Whether products run row kernels on their results as soon as these are there; if not, the kernels run after them.</summary>
    public abstract bool HasEpilogues { get; }

    /// <summary>The table of the rows' positions, where a run has sequences of different lengths; null where positions are counted.</summary>
    public virtual Storage? Positions => null;

    /// <summary>The type of a parameter that may be held in a short format.</summary>
    public abstract string WeightType { get; }

    public abstract string PointerTo(ElementType element);

    /// <summary>Memory that begins some elements later.</summary>
    public abstract string Moved(string pointer, string offset);

    /// <summary>A statement that copies values of 4 bytes.</summary>
    public abstract string Copy(Storage source, string target, Dim size);

    /// <summary>A statement that writes a list of numbers.</summary>
    public abstract string Fill(string target, string values);

    /// <summary>The statements that make the arena and set the fields of its buffers; symbols are the sizes that buffers depend on.</summary>
    public abstract void Place(CodeWriter constructor, IReadOnlyList<ArenaBuffer> buffers, string arena, string symbols);

    /// <summary>What stands before a launch: its number among the program's, and what it computes.</summary>
    public abstract string Begin(int launch, string comment);

    public abstract RowKernelEmitter Kernel(ScopePlan plan, RowKernel kernel, EmissionBuffers buffers);

    /// <summary>Memory for what reads floats alone.</summary>
    public string FloatsOf(Storage storage) => storage.IsWeight ? Of(storage) + ".Floats" : Of(storage);

    public string Of(Storage storage)
    {
        var terms = new List<string>();
        if (!storage.Offset.Equals(Dim.Zero))
        {
            terms.Add(Size(storage.Offset));
        }

        foreach (var (variable, stride) in storage.Slots)
        {
            terms.Add($"{variable} * {Size(stride)}");
        }

        return terms.Count == 0 ? storage.Pointer : Moved(storage.Pointer, string.Join(" + ", terms));
    }
}
