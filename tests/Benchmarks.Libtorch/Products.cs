using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>Matrix products in single precision.</summary>
internal static class Products
{
    /// <summary>
    /// Seconds of the best and of the middle run of c[m,n] = a[m,k] b[k,n], half of the time as <c>matmul</c>, which allocates c, and half of it
    /// as <c>addmm_</c> with beta 0, which writes into the c it is given: whichever is quicker counts.
    /// </summary>
    /// <param name="layout">Two letters, for a and b: N as it is written, T stored as the transpose.</param>
    public static double[] Time(int m, int n, int k, string layout, double seconds)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var a = layout[0] == 'T' ? rand(k, m).t() : rand(m, k);
        var b = layout[1] == 'T' ? rand(n, k).t() : rand(k, n);
        var c = zeros(m, n);
        var allocating = WorkerLoop.Time(seconds / 2, () => a.matmul(b).Dispose());
        var given = WorkerLoop.Time(seconds / 2, () => c.addmm_(a, b, beta: 0, alpha: 1));
        return allocating[0] < given[0] ? allocating : given;
    }
}
