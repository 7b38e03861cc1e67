namespace Mdl.Benchmarks.Libtorch.Model;

/// <summary>The sizes of a model of the Ling 2.0 family, named as in ling.mdl.</summary>
internal sealed record LingSizes(
    int Vocabulary, int Hidden, int Layers, int Dense, int Heads, int KeyHeads, int Head, int Ffn, int Experts, int Active, int Width)
{
    /// <summary>Preset Nano.</summary>
    public static LingSizes Nano { get; } =
        new(Vocabulary: 256, Hidden: 256, Layers: 4, Dense: 1, Heads: 4, KeyHeads: 2, Head: 64, Ffn: 512, Experts: 32, Active: 4, Width: 128);

    /// <summary>One layer of Ling-mini; only what its experts need.</summary>
    public static LingSizes MiniLayer { get; } =
        new(Vocabulary: 0, Hidden: 2048, Layers: 1, Dense: 0, Heads: 16, KeyHeads: 4, Head: 128, Ffn: 5120, Experts: 256, Active: 8, Width: 512);
}
