using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Losses
{
    // Logits of whole rows: so many floats, but not so few rows that packing the weights costs as much as multiplying by them.
    private const int BlockFloats = 1 << 25;
    private const int FewestRows = 256;
    private const int MostRows = 1024;

    /// <summary>
    /// Loss and gradients at once, for a gradient of the nll that is known before: <paramref name="nll"/> and <paramref name="lse"/> as
    /// <see cref="LinearCrossEntropy"/>, <paramref name="dh"/> and <paramref name="dw"/> as <see cref="LinearCrossEntropyGradient"/> would leave them.
    /// The logits are computed once, a block of whole rows at a time, and become their own gradient in place.
    /// </summary>
    public static void LinearCrossEntropyWithGradient(
        Team team, float* h, Weight w, int* target, float* dNll, float* nll, float* lse, float* dh, float* dw, int n, int d, int v,
        ElementFormat arithmetic = ElementFormat.Single)
    {
        if (n == 0)
        {
            if (dw != null)
            {
                new Span<float>(dw, checked(v * d)).Clear();
            }

            return;
        }

        var tokens = RowsOfBlock(n, v);

        // Rows an odd number of cache lines apart do not crowd into few sets of the caches.
        var ld = (((v + 15) / 16) | 1) * 16;
        using var hold = team.Hold();
        var logits = (float*)team.SharedScratch(tokens * (long)ld * sizeof(float));
        for (var row = 0; row < n; row += tokens)
        {
            var rows = Math.Min(tokens, n - row);
            var x = Matrix.RowMajor(h + (row * (long)d), d);
            Gemm.Run(team, x, Matrix.Transposed(w, d), logits, ld, rows, v, d, false, arithmetic);
            var block = new Block
            {
                Logits = logits, Target = target + row, Gradient = dNll + row, Nll = nll + row, Lse = lse + row, Ld = ld, Rows = rows, Words = v,
            };
            team.Run(&BlockChunk, &block, (rows + BlockRowsPerChunk - 1) / BlockRowsPerChunk);
            Gemm.Run(team, Matrix.RowMajor(logits, ld), Matrix.RowMajor(w, d), dh + (row * (long)d), d, rows, d, v, false, arithmetic);
            if (dw != null)
            {
                Gemm.Run(team, Matrix.Transposed(logits, ld), x, dw, d, v, d, rows, row > 0, arithmetic);
            }
        }
    }

    private const int BlockRowsPerChunk = 4;

    private static int RowsOfBlock(int n, int v) => Math.Min(n, Math.Max(TileFloats / v, Math.Clamp(BlockFloats / v, FewestRows, MostRows)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BlockChunk(void* arguments, int chunk, int worker)
    {
        ref var block = ref *(Block*)arguments;
        for (var row = chunk * BlockRowsPerChunk; row < Math.Min((chunk + 1) * BlockRowsPerChunk, block.Rows); row++)
        {
            var logits = block.Logits + (row * (long)block.Ld);
            var end = (block.Words + 15) & ~15;
            for (var i = block.Words; i < end; i++)
            {
                logits[i] = float.NegativeInfinity;
            }

            var largest = Vector512.Load(logits);
            for (var i = Rows.Lanes; i < end; i += Rows.Lanes)
            {
                largest = Vector512.MaxNative(largest, Vector512.Load(logits + i));
            }

            var max = Rows.Largest(largest);
            var target = block.Target[row];
            var isWord = (uint)target < (uint)block.Words;
            var targetLogit = isWord ? logits[target] : float.NaN;
            var shift = Vector512.Create(-max * Rows.Log2E);
            var scale = Vector512.Create(Rows.Log2E);
            var sums = Vector512<float>.Zero;
            for (var i = 0; i < end; i += Rows.Lanes)
            {
                var power = Rows.Exp2(Vector512.FusedMultiplyAdd(Vector512.Load(logits + i), scale, shift));
                power.Store(logits + i);
                sums += power;
            }

            var sum = Vector512.Sum(sums);
            block.Lse[row] = max + MathF.Log(sum);
            block.Nll[row] = block.Lse[row] - targetLogit;
            var gradient = Vector512.Create(block.Gradient[row] / sum);
            for (var i = 0; i < end; i += Rows.Lanes)
            {
                (Vector512.Load(logits + i) * gradient).Store(logits + i);
            }

            if (isWord)
            {
                logits[target] -= block.Gradient[row];
            }
        }
    }

    private struct Block
    {
        public float* Logits;
        public int* Target;
        public float* Gradient;
        public float* Nll;
        public float* Lse;
        public int Ld;
        public int Rows;
        public int Words;
    }
}
