using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Benchmarks.Own;

/// <summary>Matrix products in single precision.</summary>
internal static unsafe class Products
{
    /// <summary>Seconds of the best and of the middle run of c[m,n] = a[m,k] b[k,n].</summary>
    /// <param name="layout">Two letters, for a and b: N as it is written, T stored as the transpose.</param>
    public static double[] Time(Team team, int m, int n, int k, string layout, double seconds)
    {
        using var aMemory = Filled((long)m * k);
        using var bMemory = Filled((long)k * n);
        using var cMemory = Filled((long)m * n);
        var a = (float*)aMemory.Memory;
        var b = (float*)bMemory.Memory;
        var c = (float*)cMemory.Memory;
        var left = layout[0] == 'T' ? Matrix.Transposed(a, m) : Matrix.RowMajor(a, k);
        var right = layout[1] == 'T' ? Matrix.Transposed(b, k) : Matrix.RowMajor(b, n);
        return WorkerLoop.Time(seconds, () => Gemm.Run(team, left, right, c, n, m, n, k, accumulate: false));
    }

    /// <summary>Small whole numbers, none of them denormal.</summary>
    public static Arena Filled(long floats)
    {
        var arena = new Arena(floats * sizeof(float));
        for (var i = 0L; i < floats; i++)
        {
            ((float*)arena.Memory)[i] = (i * 7 % 17) - 8;
        }

        return arena;
    }
}
