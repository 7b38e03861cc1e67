using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>Models that hold their matrices in short formats compute what the numbers that these formats keep say.</summary>
public sealed unsafe class WeightFormatTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-formats-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(WeightFormat.BFloat16, 1)]
    [InlineData(WeightFormat.Int8, 1)]
    [InlineData(WeightFormat.Int8, 7)]
    [InlineData(WeightFormat.Int8, 31)]
    [InlineData(WeightFormat.Int4, 1)]
    [InlineData(WeightFormat.Int4, 31)]
    [InlineData(WeightFormat.Float8, 1)]
    [InlineData(WeightFormat.Float8, 40)]
    public void Logits_are_those_of_the_numbers_that_are_kept(WeightFormat format, int length)
    {
        using var original = LingBlocks.Create(seed: 3);
        using var held = new LingBlocks(weights: format);
        held.Store.CopyFrom(original.Store);
        using var plain = new LingBlocks();
        plain.Store.CopyFrom(held.Store);
        var tokens = TestModels.Tokens(plain, length, seed: 4);

        // The same products of the same numbers; few rows add in another order than many, over at most 256 terms. With integers, few rows keep 15 bits: each
        // element is off by up to 3e-5 of the largest of its block.
        var (expected, actual) = (plain.Forward(tokens), held.Forward(tokens));
        var scale = expected.Max(Math.Abs);
        Assert.True(scale > 0.01);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], (format is WeightFormat.Int8 or WeightFormat.Int4 ? 2e-4 : 1e-5) * scale);
        }
    }

    // A long prompt rounds the rows of products as the matrices are rounded. Off single precision, as the root of the mean square over that of the logits,
    // llama.cpp is with the same weights and tokens by the given part: Q8_0 and Q4_0 round both sides as well.
    [Theory]
    [InlineData(WeightFormat.Int8, 0.1290)]
    [InlineData(WeightFormat.Int4, 0.351)]
    public void Long_prompts_are_no_less_exact_than_those_of_llama_cpp(WeightFormat format, double peer)
    {
        int[] tokens = [.. Enumerable.Range(0, 64).Select(i => ((i * i * 7) + (i * 37)) % 320)];
        using var original = LingFixture.Load(Oracle.Folder);
        using var held = LingFixture.Load(Oracle.Folder, weights: format);
        var (exact, rounded) = (original.Forward(tokens), held.Forward(tokens));
        var few = new List<float>();
        using var program = held.CreateInferenceProgram(1, 16, 64);
        for (var past = 0; past < 64; past += 16)
        {
            tokens.AsSpan(past, 16).CopyTo(new Span<int>(program.Tokens, 16));
            program.Run(16, past, lastOnly: false);
            few.AddRange(new ReadOnlySpan<float>(program.Logits, 16 * 320));
        }

        // What the weights lose hides what the rows lose; a tenth of it is what other scales and ties may make.
        Assert.InRange(Error(exact, rounded), 0, 1.1 * Error(exact, [.. few]));
        Assert.InRange(Error(exact, rounded), 0, 1.05 * peer);
    }

    private static double Error(float[] exact, float[] other) =>
        Math.Sqrt(exact.Zip(other, (a, b) => Math.Pow(a - b, 2)).Sum() / exact.Sum(a => (double)a * a));

    [Theory]
    // Of numbers from a normal distribution: half a step of 1/127 of the largest of 32 (about 2.2 deviations) over the square root of 3 is 0.5 %;
    // with 8 steps to either side it is 8 %; three bits of fraction leave 2.3 %; seven 0.15 %. The limits are a third above.
    [InlineData(WeightFormat.BFloat16, 0.0022)]
    [InlineData(WeightFormat.Int8, 0.0075)]
    [InlineData(WeightFormat.Int4, 0.11)]
    [InlineData(WeightFormat.Float8, 0.035)]
    public void Errors_of_every_tensor_are_told_and_small(WeightFormat format, double most)
    {
        using var original = LingBlocks.Create(seed: 3);
        using var held = LingBlocks.Create(seed: 3, weights: format);
        foreach (var error in WeightErrors.Between(original, held))
        {
            var isShort = error.Format != ElementFormat.Single;
            Assert.InRange(error.Relative, isShort ? most / 10 : 0, isShort ? most : 0);
        }

        Assert.Contains(WeightErrors.Between(original, held), e => e.Path == "layers[2].ffn.router.weight" && e.Format == ElementFormat.Single);
        Assert.Contains(WeightErrors.Between(original, held), e => e.Path == "layers[2].ffn.experts.up" && e.Format != ElementFormat.Single);
    }

    [Fact]
    public void Memory_is_known_before_and_shrinks_as_the_format_says()
    {
        var floats = WeightStore.BytesOf(LingBlocks.ModelInfo, WeightFormat.Single);
        foreach (var (format, bits) in new[] { (WeightFormat.BFloat16, 16.0), (WeightFormat.Int8, 8.5), (WeightFormat.Int4, 4.5), (WeightFormat.Float8, 8.25) })
        {
            using var model = new LingBlocks(weights: format);
            Assert.Equal(WeightStore.BytesOf(LingBlocks.ModelInfo, format), model.WeightBytes);

            // Vectors and routers stay as they are: less than three per cent of so small a model.
            Assert.InRange(model.WeightBytes / (double)floats, bits / 32, (bits / 32) + 0.03);
        }
    }

    [Fact]
    public void A_file_of_floats_loads_into_any_format()
    {
        var path = Path.Combine(_folder.FullName, "model.safetensors");
        using var original = LingBlocks.Create(seed: 5);
        original.Save(path);
        using var loaded = LingBlocks.Load(path, weights: WeightFormat.Int8);
        using var drawn = LingBlocks.Create(seed: 5, weights: WeightFormat.Int8);
        Assert.All(WeightErrors.Between(drawn, loaded), e => Assert.Equal(0, e.Largest));

        // The same errors, whether the original is a model, a file or a folder.
        var folder = Path.Combine(_folder.FullName, "published");
        original.SaveFolder(folder, new() { Type = TensorType.Single });
        var errors = WeightErrors.Between(original, loaded);
        Assert.Equal(errors, WeightErrors.Between(path, loaded));
        Assert.All(errors.Zip(WeightErrors.Between(folder, loaded)), e => Assert.Equal(e.First.Relative, e.Second.Relative, 1e-12));
        var held = Path.Combine(_folder.FullName, "held.safetensors");
        loaded.Save(held);
        Assert.Contains("as Int8", Assert.Throws<SafetensorsException>(() => WeightErrors.Between(held, loaded)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN, WeightFormat.Int8)]
    [InlineData(float.PositiveInfinity, WeightFormat.Int4)]
    [InlineData(float.NegativeInfinity, WeightFormat.Float8)]
    public void Numbers_that_are_not_finite_are_refused_by_name(float bad, WeightFormat format)
    {
        var path = Path.Combine(_folder.FullName, "bad.safetensors");
        using var original = LingBlocks.Create(seed: 5);
        original.Parameters.LayersFrom1[0].Attention.Out[3, 5] = bad;
        original.Save(path);
        var message = Assert.Throws<SafetensorsException>(() => LingBlocks.Load(path, weights: format)).Message;
        Assert.Contains("bad.safetensors", message, StringComparison.Ordinal);
        Assert.Contains("Element 389 of layers[1].attention.out", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_and_single_weights_are_refused()
    {
        using var model = LingBlocks.Create(weights: WeightFormat.Int8);
        Assert.Contains("Int8", Assert.Throws<NotSupportedException>(() => model.CreateTrainingProgram(1, 8)).Message, StringComparison.Ordinal);
        Assert.Contains("Int8", Assert.Throws<NotSupportedException>(() => model.Parameters.HeadWeight).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => model.Store.Write(0, 0, 16, new float[32]));
    }
}
