namespace Mdl.Runtime.Tests.Gemm;

/// <summary>The product in double precision.</summary>
internal static unsafe class Naive
{
    /// <summary>Compares c[m,n] with initial + a[m,k] b[k,n].</summary>
    public static void AssertClose(
        Func<int, int, double> a, Func<int, int, double> b, float* c, long ldc, int m, int n, int k, double initial, double alpha = 1)
    {
        var right = new double[k * n];
        for (var i = 0; i < k * n; i++)
        {
            right[i] = b(i / n, i % n);
        }

        var sum = new double[n];
        var size = new double[n];
        for (var i = 0; i < m; i++)
        {
            Array.Clear(sum);
            Array.Clear(size);
            for (var p = 0; p < k; p++)
            {
                var x = alpha * a(i, p);
                for (var j = 0; j < n; j++)
                {
                    sum[j] += x * right[p * n + j];
                    size[j] += Math.Abs(x * right[p * n + j]);
                }
            }

            for (var j = 0; j < n; j++)
            {
                // The bound for a sum of k products rounded at every step: k + 3 roundings of half a unit each (the products may be rounded,
                // and alpha and the initial value add two), relative to the sum of the absolute values. Random signs stay far below it.
                var bound = (k + 3) * 6e-8 * (size[j] + Math.Abs(initial));
                var error = Math.Abs(initial + sum[j] - c[i * ldc + j]);
                Assert.True(error <= bound, $"[{i},{j}] of {m} x {n} x {k}: {c[i * ldc + j]}, expected {initial + sum[j]} up to {bound}");
            }
        }
    }
}
