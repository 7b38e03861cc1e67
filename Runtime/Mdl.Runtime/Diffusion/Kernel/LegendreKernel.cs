namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The kernel of high order of Zhang et al. (2402.15602), appendix: K' = sum over odd i up to order + 1 of a_i P_i on [-1, 1], with Legendre's polynomials
/// and a_i = -(2 i + 1) / 2 times the coefficient of x in P_i, so that K has integral 1 and no moments up to its order, and vanishes at both ends.
/// </summary>
internal sealed class LegendreKernel
{
    private readonly double[] _factors;

    /// <summary>A kernel.</summary>
    /// <param name="order">Moments from 1 to this vanish; at least 1.</param>
    public LegendreKernel(int order)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        _factors = new double[order + 2];

        // P_i'(0) = i P_(i-1)(0), and P_(m+2)(0) = -(m + 1) / (m + 2) P_m(0).
        var atZero = 1.0;
        for (var i = 1; i <= order + 1; i += 2)
        {
            _factors[i] = -((2 * i) + 1) / 2.0 * i * atZero;
            atZero *= -i / (i + 1.0);
        }
    }

    /// <summary>K and K' at a point; both 0 outside of [-1, 1].</summary>
    public (double Value, double Slope) At(double x)
    {
        if (Math.Abs(x) >= 1)
        {
            return (0, 0);
        }

        // The integral of P_i from -1 is (P_(i+1) - P_(i-1)) / (2 i + 1).
        var (before, now) = (1.0, x);
        var (value, slope) = (0.0, 0.0);
        for (var i = 1; i < _factors.Length; i++)
        {
            var next = ((((2 * i) + 1) * x * now) - (i * before)) / (i + 1);
            value += _factors[i] * (next - before) / ((2 * i) + 1);
            slope += _factors[i] * now;
            (before, now) = (now, next);
        }

        return (value, slope);
    }
}
