using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Benchmarks.Own;

/// <summary>Kernels at the sizes of Ling-mini, forward and backward.</summary>
internal static unsafe class LargeKernels
{
    private const int Width = 128;

    /// <summary>Seconds of the best and of the middle run of causal attention.</summary>
    public static double[] Attend(Team team, int length, int heads, int keyHeads, double seconds)
    {
        var (wide, narrow) = ((long)heads * Width, (long)keyHeads * Width);
        using var q = Products.Filled(length * wide);
        using var k = Products.Filled(length * narrow);
        using var v = Products.Filled(length * narrow);
        using var y = new Arena(length * wide * sizeof(float));
        using var lse = new Arena((long)length * heads * sizeof(float));
        using var dy = Products.Filled(length * wide);
        using var dq = new Arena(length * wide * sizeof(float));
        using var dk = new Arena(length * narrow * sizeof(float));
        using var dv = new Arena(length * narrow * sizeof(float));
        var shape = new AttentionShape
        {
            Batch = 1, Queries = length, Keys = length, Heads = heads, KeyHeads = keyHeads, KeyWidth = Width, ValueWidth = Width, Causal = true,
            Scale = 1 / MathF.Sqrt(Width), QueryStride = wide, KeyStride = narrow, ValueStride = narrow, OutputStride = wide,
        };
        return WorkerLoop.Time(seconds, () =>
        {
            Attention.Forward(team, shape, F(q), F(k), F(v), null, F(y), F(lse));
            Attention.Backward(team, shape, F(q), F(k), F(v), null, F(y), F(lse), F(dy), F(dq), wide, F(dk), narrow, F(dv), narrow, null);
        });
    }

    /// <summary>Seconds of the best and of the middle run of the cross-entropy of a linear layer.</summary>
    public static double[] CrossEntropy(Team team, int tokens, int width, int words, double seconds)
    {
        using var h = Products.Filled((long)tokens * width);
        using var w = Products.Filled((long)words * width);
        using var target = new Arena(tokens * sizeof(int));
        using var rows = new Arena(3L * tokens * sizeof(float));
        using var dh = new Arena((long)tokens * width * sizeof(float));
        using var dw = new Arena((long)words * width * sizeof(float));
        var nll = F(rows);
        var lse = nll + tokens;
        var dNll = lse + tokens;
        new Span<float>(dNll, tokens).Fill(1f / tokens);
        return WorkerLoop.Time(seconds, () =>
        {
            Losses.LinearCrossEntropyWithGradient(team, F(h), F(w), (int*)target.Memory, dNll, nll, lse, F(dh), F(dw), tokens, width, words);
        });
    }

    /// <summary>The memory, in bytes, that a process takes at most for the cross-entropy of a linear layer besides operands and gradients.</summary>
    public static double CrossEntropyMemory(Team team, int tokens, int width, int words)
    {
        // The compiled code and the libraries are there before.
        const int Few = 64;
        CrossEntropy(team, Few, Few, Few, 0);
        var before = WorkerLoop.Memory();
        CrossEntropy(team, tokens, width, words, 0);
        return WorkerLoop.PeakMemory() - before - (2.0 * sizeof(float) * width * ((long)tokens + words));
    }

    /// <summary>Seconds of the best and of the middle run of one row times a matrix of bfloat16 whose columns are contiguous.</summary>
    public static double[] RowTimesMatrix(Team team, int depth, int columns, double seconds)
    {
        using var row = Products.Filled(depth);
        using var matrix = new Arena((long)depth * columns * sizeof(ushort));
        using var product = new Arena(columns * sizeof(float));

        // Pages that nobody has written would all be one page of zeros.
        for (var j = 0; j < columns; j++)
        {
            new Span<ushort>((ushort*)matrix.Memory + (long)j * depth, depth).Fill(BFloat16.Round(1f / (j + 1)));
        }

        var b = new Matrix(matrix.Memory, ElementFormat.BFloat16, 1, depth);
        return WorkerLoop.Time(
            seconds, () => Gemm.Run(team, Matrix.RowMajor(F(row), depth), b, F(product), columns, 1, columns, depth, false, ElementFormat.BFloat16));
    }

    /// <summary>Seconds of the best and of the middle run of a square product of operands that lie in memory as bfloat16.</summary>
    public static double[] ShortProduct(Team team, int size, double seconds)
    {
        using var a = Ones(size);
        using var b = Ones(size);
        using var c = new Arena((long)size * size * sizeof(float));
        var left = new Matrix(a.Memory, ElementFormat.BFloat16, size, 1);
        var right = new Matrix(b.Memory, ElementFormat.BFloat16, 1, size);
        return WorkerLoop.Time(seconds, () => Gemm.Run(team, left, right, F(c), size, size, size, size, accumulate: false, ElementFormat.BFloat16));
    }

    /// <summary>Seconds of the best and of the middle run of a square product of signed bytes.</summary>
    public static double[] ByteProduct(Team team, int size, double seconds)
    {
        using var a = Products.Filled((long)size * size / sizeof(float));
        using var b = Products.Filled((long)size * size / sizeof(float));
        using var c = new Arena((long)size * size * sizeof(int));
        var left = new Matrix(a.Memory, ElementFormat.SByte, size, 1);
        var right = new Matrix(b.Memory, ElementFormat.SByte, 1, size);
        return WorkerLoop.Time(seconds, () => Gemm.RunBytes(team, left, right, (int*)c.Memory, size, size, size, size));
    }

    private static float* F(Arena arena) => (float*)arena.Memory;

    private static Arena Ones(int size)
    {
        var arena = new Arena((long)size * size * sizeof(ushort));
        new Span<ushort>(arena.Memory, size * size).Fill(0x3F80);
        return arena;
    }
}
