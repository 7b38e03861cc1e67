using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Experts whose matrices are too large for the caches: panels are packed one at a time, and gradients go past the caches.</summary>
public sealed unsafe class LargeExpertsTests
{
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void ProductsMatchTheNaiveOnesAndHaveTheSameBitsForAnyNumberOfThreads(string kernels)
    {
        // Several blocks of the contraction, the last one short; panels that are not full; so many rows that one expert is cut.
        const int N = 79, K = 549;
        int[] offsets = [0, 30, 30, 1330, 1333];
        var rows = offsets[^1];
        var random = new Random(1);
        using var x = new Operand(random, rows, K, Layout.Gathered);
        using var w = new Operand(random, offsets.Length, N * K, Layout.RowMajor);
        foreach (var transpose in new[] { false, true })
        {
            float[]? expected = null;
            foreach (var threads in new[] { 1, 2, 3 })
            {
                using var team = KernelSets.Team(kernels, threads);
                using var y = new Buffer(rows * N, float.NaN);
                fixed (int* o = offsets)
                {
                    Product.Grouped(team, x.Matrix, w.Matrix.Data, transpose, o, offsets.Length - 1, y.Data, rows, N, K);
                }

                Assert.Equal(expected ??= y.Span.ToArray(), y.Span.ToArray());
                y.AssertGuardsIntact();
                for (var e = 0; threads == 1 && e < offsets.Length - 1; e++)
                {
                    var matrix = w.Matrix.Data + (e * N * K);
                    var first = offsets[e];
                    Naive.AssertClose(
                        (i, j) => x[first + i, j], (i, j) => transpose ? matrix[(j * K) + i] : matrix[(i * N) + j], y.Data + (first * N), N,
                        offsets[e + 1] - first, N, K, 0);
                }
            }
        }
    }

    [Fact]
    public void GradientsHaveTheBitsOfPlainProducts()
    {
        // 64 MiB and more.
        const int Experts = 35, P = 500, Q = 976;
        var offsets = Enumerable.Range(0, Experts + 1).Select(e => Math.Max(0, (e - 2) * 9)).ToArray();
        var random = new Random(2);
        using var a = new Operand(random, offsets[^1], P, Layout.Gathered);
        using var b = new Operand(random, offsets[^1], Q, Layout.RowMajor);
        using var team = new Mdl.Runtime.Devices.Team(2);
        using var c = new Mdl.Runtime.Devices.Arena((long)Experts * P * Q * sizeof(float));
        using var plain = new Buffer(P * Q, float.NaN);
        new Span<float>(c.Memory, Experts * P * Q).Fill(float.NaN);
        fixed (int* o = offsets)
        {
            Product.GroupedOuter(team, a.Matrix, b.Matrix, o, Experts, (float*)c.Memory, P, Q);
        }

        for (var e = 0; e < Experts; e++)
        {
            var first = offsets[e];
            var rows = offsets[e + 1] - first;
            using var left = new Buffer(Math.Max(rows, 1) * P, 0);
            for (var i = 0; i < rows * P; i++)
            {
                left.Data[i] = (float)a[first + (i / P), i % P];
            }

            Product.Run(
                team, Matrix.Transposed(left.Data, P), Matrix.RowMajor(b.Matrix.Data + (first * b.Matrix.RowStride), b.Matrix.RowStride), plain.Data, Q, P, Q, rows,
                false);
            Assert.True(plain.Span.SequenceEqual(new Span<float>((float*)c.Memory + ((long)e * P * Q), P * Q)), $"expert {e}");
        }
    }
}
