using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Sizes and layout of an attention. Query head h reads key/value head h / (Heads / KeyHeads). The heads of a token lie one behind the other,
/// tokens lie a stride apart (in floats), sequences Queries or Keys strides apart.
/// </summary>
public readonly record struct AttentionShape
{
    /// <summary>Sequences.</summary>
    public int Batch { get; init; }

    /// <summary>Query tokens in a sequence.</summary>
    public int Queries { get; init; }

    /// <summary>Key tokens in a sequence.</summary>
    public int Keys { get; init; }

    /// <summary>Query heads; a multiple of <see cref="KeyHeads"/>.</summary>
    public int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public int KeyHeads { get; init; }

    /// <summary>Width of a query or key head.</summary>
    public int KeyWidth { get; init; }

    /// <summary>Width of a value or output head.</summary>
    public int ValueWidth { get; init; }

    /// <summary>Whether a query sees only keys at its own position and before.</summary>
    public bool Causal { get; init; }

    /// <summary>With a causal mask: the query sees only this many keys, its own included; 0 for no limit.</summary>
    public int Window { get; init; }

    /// <summary>Factor on the scores.</summary>
    public float Scale { get; init; }

    /// <summary>Floats between tokens of q.</summary>
    public long QueryStride { get; init; }

    /// <summary>Floats between tokens of k.</summary>
    public long KeyStride { get; init; }

    /// <summary>Floats between tokens of v.</summary>
    public long ValueStride { get; init; }

    /// <summary>Floats between tokens of the output and of its gradient.</summary>
    public long OutputStride { get; init; }

    /// <summary>Query heads that share a key/value head.</summary>
    internal int Group => Heads / KeyHeads;

    /// <summary>
    /// The keys [Begin, End) that one row sees. Row r of a key head is query token r / Group and query head r % Group of that key head's group;
    /// the first query stands at position <paramref name="past"/>.
    /// </summary>
    internal (int Begin, int End) Visible(int row, int past) => VisibleToToken(past + (row / Group));

    /// <summary>The keys [Begin, End) that the query at a position sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal (int Begin, int End) VisibleToToken(int position) =>
        Causal ? (Window > 0 ? Math.Max(0, position - Window + 1) : 0, Math.Min(Keys, position + 1)) : (0, Keys);
}
