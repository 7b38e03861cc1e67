using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>Losses over a vocabulary, computed in tiles of tokens by words: the logits are never stored at once.</summary>
public static class Losses
{
    private const int TileFloats = 1 << 20;
    private const int TileWords = 1024;

    /// <summary>
    /// nll [n] = lse - (h w')[i, target i] and lse [n] = the logarithm of the sum of exp((h w')[i, :]), for h [n, d] and w [v, d]. A target outside
    /// 0 .. v - 1 gives not-a-number.
    /// </summary>
    public static void LinearCrossEntropy(
        IlgpuDevice team, ArrayView<float> h, DeviceWeight w, ArrayView<int> target, ArrayView<float> nll, ArrayView<float> lse, int n, int d, int v,
        ElementFormat arithmetic = ElementFormat.Single)
    {
        ArgumentNullException.ThrowIfNull(team);
        var (tokens, words) = TileSize(n, v);
        var memory = team.Scratch(((long)tokens * words) + (3L * tokens));
        for (var row = 0; row < n; row += tokens)
        {
            var rows = Math.Min(tokens, n - row);
            for (var word = 0; word < v; word += words)
            {
                var count = Math.Min(words, v - word);
                Gemm.Run(team, Matrix.RowMajor(h.SubView((long)row * d), d), Matrix.Transposed(w.SubView((long)word * d), d), memory, words, rows, count, d, false, arithmetic, new(0, count, d));
                team.Launch(LogSumExpKernel.Run, rows, new LogSumExpKernel
                {
                    Logits = memory, State = memory.SubView((long)tokens * words), Target = target.SubView(row), Nll = nll.SubView(row), Lse = lse.SubView(row),
                    Ld = words, Words = count, FirstWord = word, IsLast = word + words >= v ? 1 : 0,
                });
            }
        }
    }

    /// <summary>
    /// Gradients dh [n, d] and dw [v, d] from the gradient of the nll [n] and the log-sum-exp; both are overwritten. The logits are computed again.
    /// </summary>
    public static void LinearCrossEntropyGradient(
        IlgpuDevice team, ArrayView<float> h, DeviceWeight w, ArrayView<int> target, ArrayView<float> lse, ArrayView<float> dNll,
        ArrayView<float> dh, ArrayView<float> dw, int n, int d, int v, ElementFormat arithmetic = ElementFormat.Single)
    {
        ArgumentNullException.ThrowIfNull(team);
        var (tokens, words) = TileSize(n, v);
        var logits = team.Scratch((long)tokens * words);
        for (var row = 0; row < n; row += tokens)
        {
            var rows = Math.Min(tokens, n - row);
            var x = Matrix.RowMajor(h.SubView((long)row * d), d);
            for (var word = 0; word < v; word += words)
            {
                var part = w.SubView((long)word * d);
                var count = Math.Min(words, v - word);
                Gemm.Run(team, x, Matrix.Transposed(part, d), logits, words, rows, count, d, false, arithmetic, new(0, count, d));
                team.LaunchThreads(LogitGradientKernel.Run, (long)rows * count, new LogitGradientKernel
                {
                    Logits = logits, Target = target.SubView(row), Lse = lse.SubView(row), Gradient = dNll.SubView(row),
                    Ld = words, Rows = rows, Words = count, FirstWord = word,
                });
                Gemm.Run(team, Matrix.RowMajor(logits, words), Matrix.RowMajor(part, d), dh.SubView((long)row * d), d, rows, d, count, word > 0, arithmetic, new(0, d, count));
                if (dw.IsValid)
                {
                    Gemm.Run(team, Matrix.Transposed(logits, words), x, dw.SubView((long)word * d), d, count, d, rows, row > 0, arithmetic, new(count, d, 0));
                }
            }
        }
    }

    /// <summary>Loss and gradients at once, for a gradient of the nll that is known before.</summary>
    public static void LinearCrossEntropyWithGradient(
        IlgpuDevice team, ArrayView<float> h, DeviceWeight w, ArrayView<int> target, ArrayView<float> dNll, ArrayView<float> nll, ArrayView<float> lse,
        ArrayView<float> dh, ArrayView<float> dw, int n, int d, int v, ElementFormat arithmetic = ElementFormat.Single)
    {
        LinearCrossEntropy(team, h, w, target, nll, lse, n, d, v, arithmetic);
        LinearCrossEntropyGradient(team, h, w, target, lse, dNll, dh, dw, n, d, v, arithmetic);
    }

    private static (int Tokens, int Words) TileSize(int n, int v)
    {
        var words = Math.Min(v, TileWords);
        return (Math.Min(n, Math.Max(1, TileFloats / words)), words);
    }
}

/// <summary>One row of a tile of logits, added to the largest one, the sum and the target's logit of the tiles before.</summary>
internal struct LogSumExpKernel
{
    public ArrayView<float> Logits;
    public ArrayView<float> State;
    public ArrayView<int> Target;
    public ArrayView<float> Nll;
    public ArrayView<float> Lse;
    public int Ld, Words, FirstWord, IsLast;

    public static void Run(LogSumExpKernel k)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var (row, lane) = (Grid.IdxX, Group.IdxX);
        var first = row * k.Ld;
        var largest = float.NegativeInfinity;
        for (var i = lane; i < k.Words; i += IlgpuDevice.GroupSize)
        {
            largest = DeviceMath.Maximum(largest, k.Logits[first + i]);
        }

        var before = float.NegativeInfinity;
        var sumBefore = 0f;
        var targetLogit = float.NaN;
        if (k.FirstWord > 0)
        {
            before = k.State[row * 3];
            sumBefore = k.State[(row * 3) + 1];
            targetLogit = k.State[(row * 3) + 2];
        }

        largest = DeviceMath.Maximum(before, GroupReduction.Maximum(shared, lane, largest));
        var sum = 0f;
        for (var i = lane; i < k.Words; i += IlgpuDevice.GroupSize)
        {
            sum += DeviceMath.Exp(k.Logits[first + i] - largest);
        }

        sum = GroupReduction.Sum(shared, lane, sum) + (sumBefore * DeviceMath.Exp(before - largest));
        var target = k.Target[row] - k.FirstWord;
        if (target >= 0 && target < k.Words)
        {
            targetLogit = k.Logits[first + target];
        }

        // All threads have read the state before the barriers of the reduction above.
        if (lane == 0)
        {
            k.State[row * 3] = largest;
            k.State[(row * 3) + 1] = sum;
            k.State[(row * 3) + 2] = targetLogit;
            if (k.IsLast != 0)
            {
                var lse = largest + DeviceMath.Log(sum);
                k.Lse[row] = lse;
                k.Nll[row] = lse - targetLogit;
            }
        }
    }
}

internal struct LogitGradientKernel
{
    public ArrayView<float> Logits;
    public ArrayView<int> Target;
    public ArrayView<float> Lse;
    public ArrayView<float> Gradient;
    public int Ld, Rows, Words, FirstWord;

    public static void Run(LogitGradientKernel k)
    {
        var i = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        var (row, word) = (i / k.Words, i % k.Words);
        if (row >= k.Rows)
        {
            return;
        }

        var at = (row * k.Ld) + word;
        var p = DeviceMath.Exp(k.Logits[at] - k.Lse[row]);
        k.Logits[at] = (p * k.Gradient[row]) - (k.Target[row] - k.FirstWord == word ? k.Gradient[row] : 0f);
    }
}
