using Mdl.Dsl;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Tests.Models;

/// <summary>The sample's Ling with other sizes.</summary>
internal static class LingModels
{
    /// <summary>The sizes of the checkpoint in tests/fixtures/ling-tiny.</summary>
    public static BoundModel Fixture { get; } = Bind(
        "preset Tiny of Ling { vocab: 320; hidden: 64; layers: 3; dense: 1; heads: 4; kv: 2; head: 16; ffn: 96; experts: 16; active: 4; width: 32; }");

    /// <summary>Small enough for central differences.</summary>
    public static BoundModel Toy { get; } = Bind(
        "preset Toy of Ling { vocab: 11; hidden: 8; layers: 3; dense: 1; heads: 2; kv: 1; head: 4; ffn: 6; experts: 8; active: 3; width: 5; }");

    /// <summary>The toy with weights for targets and adapters on products of every kind: plain, of experts, the head, in multi-token prediction.</summary>
    public static BoundModel ToyWithAdapters { get; } = Bind(
        "preset Toy of Ling { vocab: 11; hidden: 8; layers: 3; dense: 1; heads: 2; kv: 1; head: 4; ffn: 6; experts: 8; active: 3; width: 5; }",
        "train Adapt of Ling { objective next_token(masked); adapters lora(rank: 2, alpha: 3, of: [attention, ffn, head_weight, embed, mtp.project]); }");

    /// <summary>The toy with weights for targets, of which some parts are frozen.</summary>
    public static BoundModel ToyWithFrozenParts { get; } = Bind(
        "preset Toy of Ling { vocab: 11; hidden: 8; layers: 3; dense: 1; heads: 2; kv: 1; head: 4; ffn: 6; experts: 8; active: 3; width: 5; }",
        "train Tune of Ling { objective next_token(masked); freeze [head_weight, embed, attention.qkv, router]; }");

    public static string DataPath(string name) => Path.Combine(AppContext.BaseDirectory, "Data", name);

    private static BoundModel Bind(string preset, string train = "")
    {
        var text = File.ReadAllText(DataPath("ling.mdl"));
        Assert.Contains("groups: 8, keep: 4", text, StringComparison.Ordinal);
        text = text.Replace("groups: 8, keep: 4", "groups: 4, keep: 2", StringComparison.Ordinal)
            .Replace("train Pretrain", train + " train Pretrain", StringComparison.Ordinal) + "\n" + preset + "\n";
        var compilation = Binder.Bind(new SourceText("ling.mdl", text), _ => null);
        Assert.DoesNotContain(compilation.Diagnostics, d => d.Severity == Severity.Error && d.Span.Start > text.LastIndexOf("\npreset", StringComparison.Ordinal));
        return compilation.Models.Single(m => m.PresetName is "Tiny" or "Toy");
    }
}
