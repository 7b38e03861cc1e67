namespace Mdl.Generators.Tests.Support;

/// <summary>Texts to compile.</summary>
internal static class Samples
{
    /// <summary>The largest sample: a mixture-of-experts model with four presets.</summary>
    public static string Ling { get; } = File.ReadAllText(Path.Combine(Repository.Root, "samples/LingNano/ling.mdl"));

    /// <summary>The same with its smallest preset only, which is as much of the language and a fraction of the work.</summary>
    public static string LingNano { get; } =
        string.Join('\n', Ling.Split('\n').Where(line => !line.StartsWith("preset ", StringComparison.Ordinal) || line.StartsWith("preset Nano", StringComparison.Ordinal)));

    /// <summary>A whole model on a few lines.</summary>
    public const string Tiny =
        """
        module Tiny;

        /// The smallest model there is.
        model Tiny(tokens: int[B, T]; vocab, hidden) {
            let embed = Embedding(vocab, hidden);
            param head_weight: [vocab, hidden];
            return logits = embed(tokens) @ head_weight';
        }

        preset Nano of Tiny { vocab: 32; hidden: 16; }

        """;
}
