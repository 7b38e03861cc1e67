namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// Density and score of N(mean, covariance + t I) for any t: the covariance is diagonalised once, by Jacobi rotations (Golub and Van Loan, Matrix
/// Computations, 8.5), so that a point costs d^2, or d where only the diagonal is known.
/// </summary>
internal sealed class GaussianTail
{
    private readonly double[] _mean;
    private readonly double[] _eigenvalues;
    private readonly double[]? _axes;

    public GaussianTail(DataStatistics statistics)
    {
        _mean = statistics.Mean;
        if (statistics.Covariance is null)
        {
            _eigenvalues = statistics.Variances;
            return;
        }

        (_eigenvalues, _axes) = Diagonalise((double[])statistics.Covariance.Clone(), _mean.Length);
    }

    /// <summary>Returns the logarithm of the density at x, and t times the score in <paramref name="shift"/>.</summary>
    /// <param name="x">A point.</param>
    /// <param name="t">What is added to each variance.</param>
    /// <param name="shift">d numbers.</param>
    /// <param name="work">d numbers of scratch memory.</param>
    public double Evaluate(ReadOnlySpan<double> x, double t, Span<double> shift, Span<double> work)
    {
        var d = _mean.Length;
        var log = 0.0;
        shift.Clear();
        for (var k = 0; k < d; k++)
        {
            var along = 0.0;
            if (_axes is null)
            {
                along = x[k] - _mean[k];
            }
            else
            {
                for (var j = 0; j < d; j++)
                {
                    along += _axes[(j * d) + k] * (x[j] - _mean[j]);
                }
            }

            var variance = _eigenvalues[k] + t;
            log -= 0.5 * ((along * along / variance) + Math.Log(2 * Math.PI * variance));
            work[k] = -t * along / variance;
        }

        for (var j = 0; j < d; j++)
        {
            if (_axes is null)
            {
                shift[j] = work[j];
                continue;
            }

            for (var k = 0; k < d; k++)
            {
                shift[j] += _axes[(j * d) + k] * work[k];
            }
        }

        return log;
    }

    /// <summary>The inverse of the covariance + t I: [d, d].</summary>
    public void Precision(double t, Span<double> precision)
    {
        var d = _mean.Length;
        precision.Clear();
        for (var j = 0; j < d; j++)
        {
            if (_axes is null)
            {
                precision[j * (d + 1)] = 1 / (_eigenvalues[j] + t);
                continue;
            }

            for (var l = 0; l < d; l++)
            {
                for (var k = 0; k < d; k++)
                {
                    precision[(j * d) + l] += _axes[(j * d) + k] * _axes[(l * d) + k] / (_eigenvalues[k] + t);
                }
            }
        }
    }

    private static (double[] Values, double[] Axes) Diagonalise(double[] a, int d)
    {
        const int MostSweeps = 60;
        var axes = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            axes[i * (d + 1)] = 1;
        }

        for (var sweep = 0; sweep < MostSweeps; sweep++)
        {
            var (off, all) = (0.0, 0.0);
            for (var i = 0; i < d * d; i++)
            {
                all += a[i] * a[i];
                off += i / d == i % d ? 0 : a[i] * a[i];
            }

            if (off <= 1e-32 * all)
            {
                break;
            }

            for (var p = 0; p < d - 1; p++)
            {
                for (var q = p + 1; q < d; q++)
                {
                    Rotate(a, axes, d, p, q);
                }
            }
        }

        return ([.. Enumerable.Range(0, d).Select(i => Math.Max(0, a[i * (d + 1)]))], axes);
    }

    private static void Rotate(double[] a, double[] axes, int d, int p, int q)
    {
        var apq = a[(p * d) + q];
        if (apq == 0)
        {
            return;
        }

        var theta = (a[(q * d) + q] - a[(p * d) + p]) / (2 * apq);
        var tangent = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1));
        var cosine = 1 / Math.Sqrt((tangent * tangent) + 1);
        var sine = tangent * cosine;
        for (var k = 0; k < d; k++)
        {
            (a[(k * d) + p], a[(k * d) + q]) = Turn(a[(k * d) + p], a[(k * d) + q]);
            (axes[(k * d) + p], axes[(k * d) + q]) = Turn(axes[(k * d) + p], axes[(k * d) + q]);
        }

        for (var k = 0; k < d; k++)
        {
            (a[(p * d) + k], a[(q * d) + k]) = Turn(a[(p * d) + k], a[(q * d) + k]);
        }

        (double, double) Turn(double x, double y) => ((cosine * x) - (sine * y), (sine * x) + (cosine * y));
    }
}
