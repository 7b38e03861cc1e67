using System.Diagnostics;
using System.Globalization;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Sample.Reports;

/// <summary>Speculative decoding beside plain decoding, in turns: tokens a second and how often drafts were right.</summary>
public static class DecodingSpeed
{
    private const int Tokens = 400;
    private const int Rounds = 5;

    /// <summary>Tells the speeds for the likeliest text, which must be the same, and for drawn ones.</summary>
    public static void Compare(LanguageModel model, byte[] prompt, int most, SamplingOptions sampling, Action<string> tell)
    {
        int[] tokens = [.. prompt.Select(b => (int)b)];
        foreach (var options in new[] { SamplingOptions.Greedy, sampling }.DistinctBy(o => o.Temperature))
        {
            using var plain = new Generator(model, tokens.Length + Tokens);
            var generators = Enumerable.Range(1, most).Select(k => new Generator(model, tokens.Length + Tokens, speculate: k)).Prepend(plain).ToArray();
            var best = new double[generators.Length];
            var text = new int[generators.Length][];

            // The first round is for the compiler. Texts of one round are drawn with one seed.
            for (var round = 0; round <= Rounds; round++)
            {
                for (var k = 0; k < generators.Length; k++)
                {
                    text[k] = new int[Tokens];
                    var watch = Stopwatch.StartNew();
                    var count = generators[k].Generate(tokens, text[k], options with { Sequence = (ulong)round });
                    best[k] = round == 0 ? 0 : Math.Max(best[k], count / watch.Elapsed.TotalSeconds);
                }
            }

            var name = options.Temperature == 0 ? "greedy" : string.Create(CultureInfo.InvariantCulture, $"temperature {options.Temperature}");
            tell(string.Create(CultureInfo.InvariantCulture, $"decode  {name}: plain {best[0]:N0} tokens/s"));
            for (var k = 1; k < generators.Length; k++)
            {
                var statistics = generators[k].Statistics;
                var same = options.Temperature > 0 ? "" : text[k].SequenceEqual(text[0]) ? ", same text" : ", ANOTHER TEXT";
                tell(string.Create(
                    CultureInfo.InvariantCulture,
                    $"        {k} drafted: {best[k]:N0} tokens/s, {best[k] / best[0]:0.00}x, {statistics.AcceptanceRate:P0} accepted, {statistics.TokensPerRun:0.00} tokens a run{same}"));
            }

            foreach (var generator in generators.Skip(1))
            {
                generator.Dispose();
            }
        }
    }
}
