namespace Mdl.Runtime.Tests.Diffusion;

/// <summary>The estimator as it is defined, one pair after the other in double precision.</summary>
internal static class KernelReference
{
    public static (double[] Score, double LogDensity) Evaluate(double[] data, int d, ReadOnlySpan<double> x, double t)
    {
        var n = data.Length / d;
        var exponents = new double[n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < d; j++)
            {
                exponents[i] -= Math.Pow(x[j] - data[(i * d) + j], 2) / (2 * t);
            }
        }

        var largest = exponents.Max();
        var score = new double[d];
        var sum = 0.0;
        for (var i = 0; i < n; i++)
        {
            var weight = Math.Exp(exponents[i] - largest);
            sum += weight;
            for (var j = 0; j < d; j++)
            {
                score[j] += weight * (data[(i * d) + j] - x[j]) / t;
            }
        }

        for (var j = 0; j < d; j++)
        {
            score[j] /= sum;
        }

        return (score, largest + Math.Log(sum) - Math.Log(n) - (0.5 * d * Math.Log(2 * Math.PI * t)));
    }
}
