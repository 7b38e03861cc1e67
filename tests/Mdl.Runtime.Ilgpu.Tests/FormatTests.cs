using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Ilgpu.Tests.Support;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;
using Tiny;
using Gemm = Mdl.Runtime.Ilgpu.Kernels.Gemm;
using Matrix = Mdl.Runtime.Ilgpu.Kernels.Matrix;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>Numbers of fewer than 32 bits in products on a device.</summary>
public sealed class FormatTests(OpenClFixture fixture) : IClassFixture<OpenClFixture>
{
    [SkippableTheory]
    [InlineData(WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    [InlineData(WeightFormat.Float8)]
    public void Logits_are_those_of_the_numbers_that_are_kept(WeightFormat format)
    {
        using var original = LingBlocks.Create(seed: 3);
        using var held = new LingBlocks(fixture.Device, format);
        held.Store.CopyFrom(original.Store);
        using var plain = new LingBlocks();
        plain.Store.CopyFrom(held.Store);
        var tokens = TestModels.Tokens(plain, 7, seed: 4);

        // The same products of the same numbers, added in another order over at most 256 terms.
        var (expected, actual) = (plain.Forward(tokens), held.Forward(tokens));
        var scale = expected.Max(Math.Abs);
        Assert.True(scale > 0.01);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * scale));
    }

    [SkippableFact]
    public void A_file_of_held_weights_loads_onto_the_device()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("mdl-").FullName, "held.safetensors");
        try
        {
            using var host = LingBlocks.Create(seed: 5, weights: WeightFormat.Int4);
            host.Save(path);
            using var model = LingBlocks.Load(path, fixture.Device);
            Assert.Equal(WeightFormat.Int4, model.WeightFormat);
            Assert.Equal(host.WeightBytes, model.WeightBytes);
            Assert.All(WeightErrors.Between(host, model), e => Assert.Equal(0, e.Largest));
            Assert.Equal(host.Generate([1, 2, 3], 4), model.Generate([1, 2, 3], 4));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [SkippableTheory]
    [InlineData(ElementFormat.Single)]
    [InlineData(ElementFormat.BFloat16)]
    public unsafe void Operands_are_rounded_and_sums_are_not(ElementFormat arithmetic)
    {
        const int N = 37;
        float[] numbers = [1, 1 + (1f / 256), 1 + (3f / 256), -1.00390635f, 3.14159265f, 1e-15f, -7.7e10f];
        using var a = fixture.Device.Allocate(N * N);
        using var b = fixture.Device.Allocate(N * N);
        using var c = (IlgpuBuffer)fixture.Device.Allocate(N * N);
        for (var i = 0; i < N; i++)
        {
            // One term in each sum: every element of the product is an element of b times the same element of a.
            a.Host[(i * N) + i] = numbers[i % numbers.Length];
            b.Host[(i * N) + i] = numbers[i % numbers.Length];
        }

        Gemm.Run(
            fixture.Device, Matrix.RowMajor(((IlgpuBuffer)a).Read(), N), Matrix.Transposed(((IlgpuBuffer)b).Read(), N), c.Write(), N, N, N, N, accumulate: false,
            arithmetic: arithmetic);
        for (var i = 0; i < N; i++)
        {
            var x = numbers[i % numbers.Length];
            var kept = arithmetic == ElementFormat.Single ? x : BFloat16.Widen(BFloat16.Round(x));
            Assert.Equal(kept * kept, c.Host[(i * N) + i]);
        }
    }
}
