namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>UniPC (Zhao et al., 2302.04867) in its form bh2, with the denoised point as what is interpolated.</summary>
public sealed partial class SamplerStep<T>
{
    private const int MostUniPcOrder = 3;

    // UniC: the last step once more, with the denoised point at its end, which the next step needs anyway. Its order is that of the step.
    private void CorrectLast(Span<T> y, double sigma, StepHistory<T> history)
    {
        if (history.Count == 0)
        {
            return;
        }

        var start = history.Sigma(1);
        Span<double> rho = stackalloc double[MostUniPcOrder];
        Span<double> ratios = stackalloc double[MostUniPcOrder];
        var h = Math.Log(start / sigma);
        var order = Math.Min(_options.Order, history.Count);
        Ratios(history, back: 1, h, order, ratios);
        if (order == 1)
        {
            rho[0] = 0.5;
        }
        else
        {
            Solve(ratios[..order], h, rho[..order]);
        }

        // y = sigma / start y0 + (1 - e^-h) (m0 + sum rho_i (m_i - m0) / r_i + rho_last (m - m0)).
        var weight = -double.ExpM1(-h);
        Span<double> factors = stackalloc double[MostUniPcOrder];
        factors.Clear();
        var first = 1 - rho[order - 1];
        for (var i = 0; i < order - 1; i++)
        {
            factors[i] = weight * rho[i] / ratios[i];
            first -= rho[i] / ratios[i];
        }

        Combination.Set<T>(
            y, sigma / start, history.Start, weight * first, history.Value(1), factors[0], history.Value(2), factors[1], history.Value(3), weight * rho[order - 1],
            history.Current);
    }

    // UniP. Of order 2 it is DPM-Solver++(2M).
    private void UniPc(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        y.CopyTo(history.Start);
        Span<double> rho = stackalloc double[MostUniPcOrder];
        Span<double> ratios = stackalloc double[MostUniPcOrder];
        var h = Math.Log(sigma / next);
        var order = Math.Min(_options.Order, history.Count + 1);
        Ratios(history, back: 0, h, order, ratios, sigma);
        if (order == 2)
        {
            rho[0] = 0.5;
        }
        else if (order == 3)
        {
            Solve(ratios[..2], h, rho[..2]);
        }

        var weight = -double.ExpM1(-h);
        var (first, second, third) = (1.0, 0.0, 0.0);
        if (order > 1)
        {
            second = rho[0] / ratios[0];
            first -= second;
        }

        if (order > 2)
        {
            third = rho[1] / ratios[1];
            first -= third;
        }

        Combination.Set<T>(y, next / sigma, y, weight * first, history.Current, weight * second, history.Value(1), weight * third, history.Value(2), 0, y);
    }

    // Where older points are in log sigma, in steps from the step's start: below 0; the last is the step's end, 1.
    private static void Ratios(StepHistory<T> history, int back, double h, int order, Span<double> ratios, double sigma = 0)
    {
        var start = back == 0 ? sigma : history.Sigma(back);
        for (var i = 0; i < order - 1; i++)
        {
            ratios[i] = -Math.Log(history.Sigma(back + i + 1) / start) / h;
        }

        ratios[order - 1] = 1;
    }

    // sum_i rho_i r_i^k = (k + 1)! phi_(k + 2)(-h) / phi_1(-h): exact for polynomials in log sigma.
    private static void Solve(ReadOnlySpan<double> ratios, double h, Span<double> rho)
    {
        var n = ratios.Length;
        Span<double> matrix = stackalloc double[n * (n + 1)];
        var phi = (double.ExpM1(-h) / -h) - 1;
        var factorial = 1.0;
        for (var row = 0; row < n; row++)
        {
            for (var column = 0; column < n; column++)
            {
                matrix[(row * (n + 1)) + column] = Math.Pow(ratios[column], row);
            }

            matrix[(row * (n + 1)) + n] = phi * factorial / double.ExpM1(-h);
            factorial *= row + 2;
            phi = (phi / -h) - (1 / factorial);
        }

        // Distinct ratios, so no pivot is 0: a Vandermonde matrix.
        for (var pivot = 0; pivot < n; pivot++)
        {
            for (var row = 0; row < n; row++)
            {
                var factor = row == pivot ? 0 : matrix[(row * (n + 1)) + pivot] / matrix[(pivot * (n + 1)) + pivot];
                for (var column = pivot; column <= n; column++)
                {
                    matrix[(row * (n + 1)) + column] -= factor * matrix[(pivot * (n + 1)) + column];
                }
            }
        }

        for (var i = 0; i < n; i++)
        {
            rho[i] = matrix[(i * (n + 1)) + n] / matrix[(i * (n + 1)) + i];
        }
    }
}
