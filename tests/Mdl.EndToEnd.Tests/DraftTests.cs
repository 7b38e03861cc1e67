using System.Globalization;
using System.Runtime.InteropServices;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>Multi-token prediction for decoding: the programs of the mtp block.</summary>
public sealed unsafe class DraftTests
{
    private static readonly string Fixture = Path.Combine(AppContext.BaseDirectory, "ling-tiny");

    /// <summary>In one run, token by token, and in runs of different lengths: the cache of the mtp block is as good as its whole.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Mtp_logits_are_those_of_the_independent_implementation(int chunk)
    {
        using var model = LingFixture.Load(Fixture);
        int[] tokens = [.. File.ReadAllText(Path.Combine(Fixture, "tokens.txt"))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(t => int.Parse(t, CultureInfo.InvariantCulture))];
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(Fixture, "mtp_logits.f32"))).ToArray();
        var count = tokens.Length - 1;
        using var main = model.CreateInferenceProgram(1, count, count, CacheFormat.Single);
        using var draft = model.CreateDraftProgram(1, 1, count, count, CacheFormat.Single);
        Assert.Equal(draft.ArenaBytes, model.DraftBytes(1, 1, count, count, CacheFormat.Single));
        var width = Assert.Single(model.Drafts.Widths);
        var logits = new List<float>();
        for (var past = 0; past < count; past += chunk)
        {
            var part = Math.Min(chunk, count - past);
            tokens.AsSpan(past, part).CopyTo(new Span<int>(main.Tokens, part));
            main.Run(part, past, lastOnly: true);
            new Span<float>(main.Carried(0), part * width).CopyTo(new Span<float>(draft.Given(0), part * width));
            tokens.AsSpan(past + 1, part).CopyTo(new Span<int>(draft.Tokens, part));
            draft.Run(part, past, lastOnly: false);
            logits.AddRange(new ReadOnlySpan<float>(draft.Logits, part * model.Info.Vocabulary));
        }

        // Both are f32 results on logits of order 1.
        Assert.Equal(expected.Length, logits.Count);
        Assert.InRange(expected.Zip(logits, (a, b) => (double)Math.Abs(a - b)).Max(), 0, 2e-5);
        Assert.True(expected.Max() - expected.Min() > 0.1);
    }

    [Theory]
    [InlineData("LingTiny", 1)]
    [InlineData("LingTiny", 2)]
    [InlineData("LingTiny", 3)]
    [InlineData("LingDeep", 3)]
    public void Greedy_texts_are_those_of_plain_decoding(string name, int speculate)
    {
        using var model = TestModels.Randomized(name, 5);
        using var plain = new Generator(model, 100, 4);
        using var drafting = new Generator(model, 100, 4, speculate);
        for (var i = 0; i < 8; i++)
        {
            var prompt = TestModels.Tokens(model, 1 + (3 * i), i);
            var options = SamplingOptions.Greedy with { MaxTokens = 50 + (5 * i), RepetitionPenalty = i % 2 == 0 ? 1 : 1.3 };
            var (expected, actual) = (new int[100], new int[100]);
            var count = plain.Generate(prompt, expected, options);
            Assert.Equal(expected[..count], actual[..drafting.Generate(prompt, actual, options)]);
            Assert.Equal(plain.StopReason, drafting.StopReason);
            Assert.Equal(plain.Tokens.ToArray(), drafting.Tokens.ToArray());

            // A stop token within the drafts ends the text as it does without them.
            options = options with { StopTokens = [expected[count / 2]] };
            count = plain.Generate(prompt, expected, options);
            Assert.Equal(expected[..count], actual[..drafting.Generate(prompt, actual, options)]);
            Assert.Equal(StopReason.StopToken, drafting.StopReason);
        }

        Assert.True(drafting.Statistics.Drafted > 100);
        Assert.Equal(plain.Statistics.DrawnTokens, drafting.Statistics.DrawnTokens);
        Assert.Equal(plain.Statistics.Runs - drafting.Statistics.Runs, drafting.Statistics.Accepted);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Sessions_that_speculate_together_have_the_texts_of_plain_decoding(int speculate)
    {
        using var model = TestModels.Randomized("LingTiny", 5);
        using var plain = new Generator(model, 100);
        using var pool = model.CreateSessions(3, 100, 7, speculate: speculate);
        var rows = SessionPool.RowsOf(3, 7, speculate);
        Assert.Equal(
            LingTiny.InferenceBytes(3, rows, 100, CacheFormat.Single) + model.DraftBytes(1, 3, rows, 100, CacheFormat.Single), pool.MemoryBytes);
        var waiting = new Queue<int>(Enumerable.Range(0, 9));
        var open = new List<(Session Session, int[] Expected)>();
        var reused = 0;
        while (waiting.Count > 0 || open.Count > 0)
        {
            while (waiting.Count > 0 && open.Count < 3)
            {
                // Every other prompt begins as the one two before.
                var i = waiting.Dequeue();
                var prompt = TestModels.Tokens(model, 30, i % 2)[..(12 + (2 * i))];
                var options = SamplingOptions.Greedy with { MaxTokens = 20 + (3 * i) };
                var expected = new int[100];
                var count = plain.Generate(prompt, expected, options);
                open.Add((pool.Open(prompt, options), expected[..count]));
                reused += open[^1].Session.ReusedTokens;
            }

            pool.Step();
            foreach (var (session, expected) in open.Where(o => o.Session.StopReason != StopReason.None).ToList())
            {
                Assert.Equal(expected, session.Continuation.ToArray());
                open.RemoveAll(o => o.Session == session);
                session.Dispose();
            }
        }

        var statistics = pool.Statistics;
        Assert.True(reused > 40 && reused == statistics.ReusedTokens, $"{reused} tokens of prompts were reused");
        Assert.Equal(9 * 20 + (3 * 36), statistics.DrawnTokens);
        Assert.InRange(statistics.Accepted, 1, statistics.Drafted);
    }

    [Theory]
    [InlineData("LingTiny", CacheFormat.Single)]
    [InlineData("LingTiny", CacheFormat.SByte)]
    [InlineData("DenseSmall", CacheFormat.BFloat16)]
    [InlineData("SwitchDropless", CacheFormat.Single)]
    public void Runs_of_up_to_four_tokens_have_the_bits_of_single_ones(string name, CacheFormat format)
    {
        using var model = TestModels.Randomized(name, 1);
        AssertBits(model, format);
    }

    [Theory]
    [InlineData(WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    [InlineData(WeightFormat.Float8)]
    public void Runs_of_up_to_four_tokens_have_the_bits_of_single_ones_in_any_format_of_weights(WeightFormat format)
    {
        using var model = LingBlocks.Create(seed: 3, weights: format);
        AssertBits(model, CacheFormat.Single);
    }

    [Theory]
    [InlineData(1, 1.0, 0)]
    [InlineData(3, 1.0, 0)]
    [InlineData(3, 0.8, 12)]
    public void Drawn_texts_have_the_distribution_of_plain_decoding(int speculate, double topP, int topK)
    {
        // Two samples, drawn with and without drafts, of the three tokens behind a prompt: the first is never a draft. The statistic of each position is
        // chi-squared with as many degrees of freedom as there are tokens less one; the bound is five standard deviations above its mean.
        const int texts = 6000;
        using var model = TestModels.Randomized("LingTiny", 8);
        var v = model.Info.Vocabulary;
        var prompt = TestModels.Tokens(model, 5, 3);
        using var plain = new Generator(model, 16);
        using var drafting = new Generator(model, 16, speculate: speculate);
        var counts = new int[2, 3, v];
        var output = new int[3];
        for (var i = 0; i < texts; i++)
        {
            foreach (var (which, generator) in new[] { plain, drafting }.Index())
            {
                // Room for drafts behind the third token too.
                var options = new SamplingOptions { Temperature = 2, TopP = topP, TopK = topK, Seed = (ulong)(11 + which), Sequence = (ulong)i };
                Assert.Equal(3, generator.Generate(prompt, output, options));
                for (var position = 0; position < 3; position++)
                {
                    counts[which, position, output[position]]++;
                }
            }
        }

        for (var position = 0; position < 3; position++)
        {
            var (statistic, cells) = (0.0, 0);
            for (var token = 0; token < v; token++)
            {
                double a = counts[0, position, token], b = counts[1, position, token];
                (statistic, cells) = a + b > 0 ? (statistic + ((a - b) * (a - b) / (a + b)), cells + 1) : (statistic, cells);
            }

            Assert.True(cells > 5);
            Assert.InRange(statistic, 0, cells - 1 + (5 * Math.Sqrt(2 * (cells - 1))));
        }

        Assert.InRange(drafting.Statistics.AcceptanceRate, 0.02, 0.98);
    }

    private static void AssertBits(LanguageModel model, CacheFormat format)
    {
        const int length = 30;
        var tokens = TestModels.Tokens(model, length, 2);
        using var program = model.CreateInferenceProgram(1, 4, length, format);
        float[] Run(params ReadOnlySpan<int> counts)
        {
            var logits = new List<float>();
            for (int past = 0, i = 0; past < length; i++)
            {
                var count = Math.Min(counts[i % counts.Length], length - past);
                tokens.AsSpan(past, count).CopyTo(new Span<int>(program.Tokens, count));
                program.Run(count, past, lastOnly: false);
                logits.AddRange(new ReadOnlySpan<float>(program.Logits, count * model.Info.Vocabulary));
                past += count;
            }

            return [.. logits];
        }

        var expected = Run(1);
        Assert.Equal(expected, Run(2));
        Assert.Equal(expected, Run(4, 3, 1));
    }
}
