using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>Losses over a vocabulary, computed in tiles of tokens by words: the logits are never stored at once.</summary>
public static unsafe partial class Losses
{
    // A tile of logits has at most this many floats: products of this size are efficient, and it stays in the caches.
    private const int TileFloats = 1 << 20;
    private const int TileWords = 1024;
    private const int RowsPerChunk = 32;

    private struct Tile
    {
        public float* Logits;
        public float* Max;
        public float* Sum;
        public float* TargetLogit;
        public int* Target;
        public float* Lse;
        public float* Gradient;
        public float* Nll;
        public int Ld;
        public int Rows;
        public int Words;
        public int FirstWord;
    }

    /// <summary>
    /// nll [n] = lse - (h w')[i, target i] and lse [n] = the logarithm of the sum of exp((h w')[i, :]), for h [n, d] and w [v, d]. A target outside
    /// 0 .. v - 1 gives not-a-number.
    /// </summary>
    public static void LinearCrossEntropy(Team team, float* h, Weight w, int* target, float* nll, float* lse, int n, int d, int v,
        ElementFormat arithmetic = ElementFormat.Single)
    {
        var (tokens, words, ld) = TileSize(n, v);
        using var hold = team.Hold();
        var memory = (float*)team.SharedScratch(((tokens * (long)ld) + (3L * tokens)) * sizeof(float));
        for (var row = 0; row < n; row += tokens)
        {
            var rows = Math.Min(tokens, n - row);
            var t = new Tile
            {
                Logits = memory, Max = memory + (tokens * (long)ld), Sum = memory + (tokens * (long)ld) + tokens,
                TargetLogit = memory + (tokens * (long)ld) + (2 * tokens), Target = target + row, Lse = lse + row, Nll = nll + row, Ld = ld, Rows = rows,
            };
            for (var word = 0; word < v; word += words)
            {
                t.FirstWord = word;
                t.Words = Math.Min(words, v - word);
                Gemm.Run(
                    team, Matrix.RowMajor(h + (row * (long)d), d), Matrix.Transposed(w + (word * (long)d), d), t.Logits, ld, rows, t.Words, d, false, arithmetic);
                team.Run(&SumChunk, &t, (rows + RowsPerChunk - 1) / RowsPerChunk);
            }

            for (var i = 0; i < rows; i++)
            {
                t.Lse[i] = t.Max[i] + MathF.Log(t.Sum[i]);
                t.Nll[i] = t.Lse[i] - t.TargetLogit[i];
            }
        }
    }

    /// <summary>
    /// Gradients dh [n, d] and, unless it is null, dw [v, d] from the gradient of the nll [n] and the log-sum-exp; both are overwritten. The logits are
    /// computed again.
    /// </summary>
    public static void LinearCrossEntropyGradient(
        Team team, float* h, Weight w, int* target, float* lse, float* dNll, float* dh, float* dw, int n, int d, int v,
        ElementFormat arithmetic = ElementFormat.Single)
    {
        var (tokens, words, ld) = TileSize(n, v);
        using var hold = team.Hold();
        var memory = (float*)team.SharedScratch(tokens * (long)ld * sizeof(float));
        for (var row = 0; row < n; row += tokens)
        {
            var rows = Math.Min(tokens, n - row);
            var x = Matrix.RowMajor(h + (row * (long)d), d);
            var t = new Tile { Logits = memory, Target = target + row, Lse = lse + row, Gradient = dNll + row, Ld = ld, Rows = rows };
            for (var word = 0; word < v; word += words)
            {
                var part = w + (word * (long)d);
                t.FirstWord = word;
                t.Words = Math.Min(words, v - word);
                Gemm.Run(team, x, Matrix.Transposed(part, d), t.Logits, ld, rows, t.Words, d, false, arithmetic);
                team.Run(&GradientChunk, &t, (rows + RowsPerChunk - 1) / RowsPerChunk);
                Gemm.Run(team, Matrix.RowMajor(t.Logits, ld), Matrix.RowMajor(part, d), dh + (row * (long)d), d, rows, d, t.Words, word > 0, arithmetic);
                if (dw != null)
                {
                    Gemm.Run(team, Matrix.Transposed(t.Logits, ld), x, dw + (word * (long)d), d, t.Words, d, rows, row > 0, arithmetic);
                }
            }
        }
    }

    private static (int Tokens, int Words, int Ld) TileSize(int n, int v)
    {
        var words = Math.Min(v, TileWords);
        // Rows an odd number of cache lines apart do not crowd into few sets of the caches.
        var ld = ((words + 15) & ~15) + 16;
        return (Math.Min(n, Math.Max(1, TileFloats / words)), words, ld);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumChunk(void* arguments, int chunk, int worker)
    {
        ref var t = ref *(Tile*)arguments;
        for (var row = chunk * RowsPerChunk; row < Math.Min((chunk + 1) * RowsPerChunk, t.Rows); row++)
        {
            var logits = t.Logits + (row * (long)t.Ld);
            var end = (t.Words + 15) & ~15;
            for (var i = t.Words; i < end; i++)
            {
                logits[i] = float.NegativeInfinity;
            }

            if (t.FirstWord == 0)
            {
                t.Max[row] = float.NegativeInfinity;
                t.Sum[row] = 0;
                t.TargetLogit[row] = float.NaN;
            }

            var largest = Vector512.Load(logits);
            for (var i = Rows.Lanes; i < end; i += Rows.Lanes)
            {
                largest = Vector512.MaxNative(largest, Vector512.Load(logits + i));
            }

            var max = Math.Max(t.Max[row], Rows.Largest(largest));
            var shift = Vector512.Create(-max * Rows.Log2E);
            var scale = Vector512.Create(Rows.Log2E);
            var sum = Vector512<float>.Zero;
            for (var i = 0; i < end; i += Rows.Lanes)
            {
                sum += Rows.Exp2(Vector512.FusedMultiplyAdd(Vector512.Load(logits + i), scale, shift));
            }

            var keep = Rows.Exp2(Vector512.Create((t.Max[row] - max) * Rows.Log2E)).ToScalar();
            t.Sum[row] = MathF.FusedMultiplyAdd(t.Sum[row], keep, Vector512.Sum(sum));
            t.Max[row] = max;
            var target = t.Target[row] - t.FirstWord;
            if ((uint)target < (uint)t.Words)
            {
                t.TargetLogit[row] = logits[target];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientChunk(void* arguments, int chunk, int worker)
    {
        ref var t = ref *(Tile*)arguments;
        for (var row = chunk * RowsPerChunk; row < Math.Min((chunk + 1) * RowsPerChunk, t.Rows); row++)
        {
            var logits = t.Logits + (row * (long)t.Ld);
            var shift = Vector512.Create(-t.Lse[row] * Rows.Log2E);
            var scale = Vector512.Create(Rows.Log2E);
            var gradient = Vector512.Create(t.Gradient[row]);
            for (var i = 0; i < t.Words; i += Rows.Lanes)
            {
                (Rows.Exp2(Vector512.FusedMultiplyAdd(Vector512.Load(logits + i), scale, shift)) * gradient).Store(logits + i);
            }

            var target = t.Target[row] - t.FirstWord;
            if ((uint)target < (uint)t.Words)
            {
                logits[target] -= t.Gradient[row];
            }
        }
    }
}
