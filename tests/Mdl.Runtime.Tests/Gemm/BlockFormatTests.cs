using System.Runtime.InteropServices;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Formats in which numbers share a scale, and products with matrices that are held in them.</summary>
public sealed unsafe class BlockFormatTests
{
    public static TheoryData<ElementFormat> Formats => new(ElementFormat.Int8Blocks, ElementFormat.Int4Blocks, ElementFormat.Float8Blocks);

    [Theory]
    [MemberData(nameof(Formats))]
    public void What_is_kept_is_kept_again_to_the_bit(ElementFormat format)
    {
        using var first = new Held(format, 512, new Random(1));
        using var second = new Held(format, 512, first.Numbers);

        // A scale of integers may come out one rounding of bfloat16 higher, because the largest number is one of the block's own.
        for (var i = 0; i < 512; i++)
        {
            Assert.Equal(first.Numbers[i], second.Numbers[i], Math.Abs(first.Numbers[i] / 128) + (format == ElementFormat.Float8Blocks ? 0 : 0.01));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Reading_from_anywhere_gives_the_same_numbers(ElementFormat format)
    {
        using var held = new Held(format, 384, new Random(2));
        var some = new float[384];
        foreach (var (begin, count) in new[] { (0, 384), (1, 40), (16, 16), (17, 300), (31, 2), (250, 5), (383, 1) })
        {
            fixed (float* target = some)
            {
                WeightReader.Read(held.Weight + begin, count, target);
            }

            for (var i = 0; i < count; i++)
            {
                Assert.Equal(held.Numbers[begin + i], some[i]);
                Assert.Equal(held.Numbers[begin + i], WeightReader.Read(held.Weight + begin + i));
            }
        }
    }

    [Fact]
    public void Every_number_of_8_bits_is_its_own_nearest_and_others_go_to_the_nearest()
    {
        var numbers = Enumerable.Range(0, 127).Select(bits => (double)Float8.Widen((byte)bits)).ToArray();
        Assert.Equal(448, numbers[126]);
        Assert.Equal(Math.Pow(2, -9), numbers[1]);
        for (var bits = 0; bits < 127; bits++)
        {
            Assert.Equal(bits, Float8.Round((float)numbers[bits]));
            if (bits > 0)
            {
                Assert.Equal(bits | 0x80, Float8.Round(-(float)numbers[bits]));
            }
        }

        var random = new Random(3);
        for (var i = 0; i < 20_000; i++)
        {
            var value = (float)Math.Exp((random.NextDouble() * 18) - 11);
            var nearest = numbers.Min(n => Math.Abs(n - value));
            Assert.Equal(nearest, Math.Abs(numbers[Float8.Round(value)] - value));
        }

        Assert.Equal(126, Float8.Round(1e9f));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Zeros_stay_zeros(ElementFormat format)
    {
        using var held = new Held(format, 128, new float[128]);
        Assert.All(held.Numbers, n => Assert.Equal(0, n));
    }

    public static TheoryData<ElementFormat, int, int, int> Products()
    {
        var data = new TheoryData<ElementFormat, int, int, int>();
        foreach (var format in new[] { ElementFormat.Int8Blocks, ElementFormat.Int4Blocks, ElementFormat.Float8Blocks })
        {
            foreach (var (m, n, k) in new[] { (1, 1, 128), (1, 7, 256), (2, 33, 128), (5, 3, 384), (8, 64, 256), (9, 35, 1152), (16, 5, 128), (17, 70, 256), (200, 65, 1280) })
            {
                data.Add(format, m, n, k);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void Products_are_those_of_the_numbers_that_are_kept(ElementFormat format, int m, int n, int k)
    {
        foreach (var mode in new[] { KernelMode.Auto, KernelMode.Portable })
        {
            using var team = new Team(2, mode);
            var random = new Random(m + n + k);
            using var w = new Held(format, (long)n * k, random);
            var x = new float[m * k];
            for (var i = 0; i < x.Length; i++)
            {
                x[i] = (float)((random.NextDouble() * 2) - 1);
            }

            var y = new float[m * n];
            fixed (float* left = x, product = y)
            {
                Product.Run(team, Matrix.RowMajor(left, k), Matrix.Transposed(w.Weight, k), product, n, m, n, k, accumulate: false);
                Check(y, x, w.Numbers, m, n, k, transposed: true);

                // The same memory as k x n, where k takes the part of n: columns are not contiguous then.
                Product.Run(team, Matrix.RowMajor(left, k), Matrix.RowMajor(w.Weight, n), product, n, m, n, k, accumulate: false);
                Check(y, x, w.Numbers, m, n, k, transposed: false);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Products_of_experts_too(ElementFormat format)
    {
        const int Experts = 5, N = 64, K = 256;
        int[] offsets = [0, 1, 1, 14, 60, 62];
        using var team = new Team(2);
        var random = new Random(5);
        using var w = new Held(format, (long)Experts * N * K, random);
        var x = new float[64 * K];
        for (var i = 0; i < x.Length; i++)
        {
            x[i] = (float)((random.NextDouble() * 2) - 1);
        }

        var y = new float[64 * N];
        fixed (float* left = x, product = y)
        fixed (int* first = offsets)
        {
            Product.Grouped(team, Matrix.RowMajor(left, K), w.Weight, true, first, Experts, product, 64, N, K);
        }

        for (var e = 0; e < Experts; e++)
        {
            var (begin, end) = (offsets[e], offsets[e + 1]);
            Check(y[(begin * N)..(end * N)], x[(begin * K)..(end * K)], w.Numbers[(e * N * K)..((e + 1) * N * K)], end - begin, N, K, transposed: true);
        }

        Assert.All(y[(62 * N)..], v => Assert.Equal(0, v));
    }

    // Sums of k products of numbers up to 1 and about 3, rounded k times at most: far below 1e-5 of the largest possible sum.
    private static void Check(float[] y, float[] x, float[] w, int m, int n, int k, bool transposed)
    {
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++)
            {
                var sum = 0.0;
                for (var l = 0; l < k; l++)
                {
                    sum += (double)x[(i * k) + l] * w[transposed ? (j * k) + l : (l * n) + j];
                }

                Assert.Equal(sum, y[(i * n) + j], 1e-6 * k);
            }
        }
    }

    /// <summary>Memory in a format, and the numbers that it keeps.</summary>
    internal sealed class Held : IDisposable
    {
        private readonly byte* _data;
        private readonly byte* _scales;

        public Held(ElementFormat format, long count, Random random)
            : this(format, count, [.. Enumerable.Range(0, (int)count).Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2))])
        {
        }

        public Held(ElementFormat format, long count, float[] numbers)
        {
            _data = (byte*)NativeMemory.AllocZeroed((nuint)Mdl.Runtime.Kernels.Weight.Bytes(format, count));
            _scales = (byte*)NativeMemory.AllocZeroed((nuint)Mdl.Runtime.Kernels.Weight.ScaleBytes(format, count) + 4);
            Weight = new(_data, format, _scales);
            Numbers = new float[count];
            fixed (float* source = numbers, target = Numbers)
            {
                BlockQuantizer.Write(source, Weight, count / Mdl.Runtime.Kernels.Weight.BlockSize(format) * Mdl.Runtime.Kernels.Weight.BlockSize(format));
                WeightReader.Read(Weight, (int)count, target);
            }
        }

        public Weight Weight { get; }

        public float[] Numbers { get; }

        public void Dispose()
        {
            NativeMemory.Free(_data);
            NativeMemory.Free(_scales);
        }
    }
}
