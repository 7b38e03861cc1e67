using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>Runs of sequences of different lengths give each the logits that it has alone.</summary>
public sealed unsafe class RaggedRunTests
{
    // Products add in another order when there are other numbers of rows (see CachedDecodeTests), nothing else differs.
    private const double Tolerance = 1e-5;
    private const int Length = 24;

    /// <summary>SwitchDropless has a window of 3, sinks and a table of positions. Experts of limited capacity depend on the run by their meaning.</summary>
    public static TheoryData<string> Names => ["LingTiny", "LingDeep", "DenseSmall", "SwitchDropless"];

    private static readonly SequenceRun[][] Plan =
    [
        [new(1, 0, 7)],
        [new(2, 0, 5), new(1, 7, 1)],
        [new(1, 8, 1), new(0, 0, 1), new(2, 5, 3)],
        [new(0, 1, 9), new(1, 9, 1), new(2, 8, 2)],
        [new(2, 10, 1), new(0, 10, 1), new(1, 10, 1)],
        // Back, and at different places.
        [new(2, 4, 6), new(1, 11, 5), new(0, 11, 1)],
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_sequence_has_the_logits_of_itself_alone(string name)
    {
        using var model = TestModels.Randomized(name, 1);
        var texts = Enumerable.Range(0, 3).Select(i => TestModels.Tokens(model, Length, seed: i)).ToArray();
        var whole = texts.Select(text => model.Forward(text)).ToArray();
        using var program = model.CreateInferenceProgram(3, 12, Length, CacheFormat.Single);
        foreach (var runs in Plan)
        {
            foreach (var lastOnly in (bool[])[false, true])
            {
                Run(program, texts, runs, lastOnly);
                Check(program, whole, runs, lastOnly, model.Info.Vocabulary, Tolerance);
            }
        }
    }

    [Theory]
    [InlineData("LingTiny", CacheFormat.BFloat16, 0.05)]
    [InlineData("DenseSmall", CacheFormat.BFloat16, 0.05)]
    [InlineData("SwitchDropless", CacheFormat.BFloat16, 0.05)]
    [InlineData("LingDeep", CacheFormat.BFloat16, 0.05)]
    [InlineData("DenseSmall", CacheFormat.SByte, 0.1)]
    [InlineData("LingTiny", CacheFormat.SByte, 0.1)]
    [InlineData("LingDeep", CacheFormat.SByte, 0.1)]
    public void Short_formats_of_the_cache_are_near_single_precision(string name, CacheFormat format, double tolerance)
    {
        // Keys and values err by up to 2^-9 of themselves, or 1/254 of the largest of a head. Logits are sums of tens of such terms behind several
        // layers, in which errors grow a few times. With 1-byte numbers a token near a tie may go to other experts, which is no error of the cache:
        // experts that are all alike leave everything of a sparse model but that.
        using var model = TestModels.Randomized(name, 1);
        if (format == CacheFormat.SByte)
        {
            MakeExpertsAlike(model);
        }

        var texts = Enumerable.Range(0, 3).Select(i => TestModels.Tokens(model, Length, seed: i)).ToArray();
        var whole = texts.Select(text => model.Forward(text)).ToArray();
        using var program = model.CreateInferenceProgram(3, 12, Length, format);
        using var exact = model.CreateInferenceProgram(3, 12, Length, CacheFormat.Single);
        Assert.True(program.ArenaBytes < exact.ArenaBytes);
        var differs = false;
        foreach (var runs in Plan)
        {
            Run(program, texts, runs, lastOnly: false);
            Check(program, whole, runs, lastOnly: false, model.Info.Vocabulary, tolerance);
            Run(exact, texts, runs, lastOnly: false);
            differs |= !Logits(program, runs.Sum(r => r.Count), model).SequenceEqual(Logits(exact, runs.Sum(r => r.Count), model));
        }

        Assert.True(differs, "the format made no difference");
    }

    [Theory]
    [InlineData("LingTiny", CacheFormat.Single)]
    [InlineData("SwitchDropless", CacheFormat.SByte)]
    [InlineData("DenseSmall", CacheFormat.BFloat16)]
    public void Any_number_of_threads_gives_the_same_bits(string name, CacheFormat format)
    {
        List<float[]>? expected = null;
        foreach (var threads in (int[])[1, 2, 3])
        {
            using var device = new Device(threads);
            using var model = TestModels.Randomized(name, 1, device);
            var texts = Enumerable.Range(0, 3).Select(i => TestModels.Tokens(model, Length, seed: i)).ToArray();
            using var program = model.CreateInferenceProgram(3, 12, Length, format);
            var all = new List<float[]>();
            foreach (var runs in Plan)
            {
                Run(program, texts, runs, lastOnly: false);
                all.Add(Logits(program, runs.Sum(r => r.Count), model).ToArray());
            }

            expected ??= all;
            Assert.Equal(expected, all);
        }
    }

    [Fact]
    public void The_memory_of_a_program_is_known_before()
    {
        using var model = TestModels.Create("LingTiny");
        foreach (var format in Enum.GetValues<CacheFormat>())
        {
            using var program = model.CreateInferenceProgram(3, 17, 50, format);
            Assert.Equal(program.ArenaBytes, Tiny.LingTiny.InferenceBytes(3, 17, 50, format));
        }
    }

    [Fact]
    public void Runs_beyond_the_program_are_refused()
    {
        using var model = TestModels.Randomized("LingTiny", 1);
        using var program = model.CreateInferenceProgram(2, 6, 10, CacheFormat.Single);
        Assert.Throws<ArgumentException>(() => program.Run([], true));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.Run([new(0, 0, 0)], true));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.Run([new(2, 0, 1)], true));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.Run([new(0, 9, 2)], true));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.Run([new(0, -1, 2)], true));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.Run([new(0, 0, 4), new(1, 0, 3)], true));
        Assert.Throws<ArgumentException>(() => program.Run([new(1, 0, 1), new(1, 0, 1)], true));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.CopyCache(0, 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.CopyCache(0, 1, 11));
    }

    private static void MakeExpertsAlike(LanguageModel model)
    {
        foreach (var (parameter, info) in model.Info.Parameters.Index().Where(p => p.Item.Path.Contains(".experts.", StringComparison.Ordinal)))
        {
            for (var instance = 0; instance < info.Instances; instance++)
            {
                var all = model.GetTensor(parameter, instance).AsSpan();
                var size = all.Length / (int)info.Shape[0];
                for (var expert = size; expert < all.Length; expert += size)
                {
                    all[..size].CopyTo(all[expert..]);
                }
            }
        }
    }

    private static ReadOnlySpan<float> Logits(InferenceProgram program, int rows, LanguageModel model) => new(program.Logits, rows * model.Info.Vocabulary);

    private static void Run(InferenceProgram program, int[][] texts, SequenceRun[] runs, bool lastOnly)
    {
        var row = 0;
        foreach (var run in runs)
        {
            texts[run.Slot].AsSpan(run.Past, run.Count).CopyTo(new Span<int>(program.Tokens + row, run.Count));
            row += run.Count;
        }

        program.Run(runs, lastOnly);
    }

    private static void Check(InferenceProgram program, float[][] whole, SequenceRun[] runs, bool lastOnly, int vocabulary, double tolerance)
    {
        var row = 0;
        foreach (var run in runs)
        {
            var rows = lastOnly ? 1 : run.Count;
            double[] expected = [.. whole[run.Slot].AsSpan((run.Past + run.Count - rows) * vocabulary, rows * vocabulary).ToArray().Select(x => (double)x)];
            Reference.Close(expected, new ReadOnlySpan<float>(program.Logits + (row * vocabulary), rows * vocabulary), tolerance, $"{run}, logits");
            row += rows;
        }
    }
}
