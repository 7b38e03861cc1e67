namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>Exponential integrators in log sigma, and linear multistep in sigma: slopes interpolated in sigma, or in log sigma (DEIS).</summary>
public sealed partial class SamplerStep<T>
{
    // DPM-Solver++(2S), with ancestral noise if eta is above 0; the stochastic form also adds noise at the midpoint.
    private void Singlestep(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        var isStochastic = _options.Method == SamplerMethod.StochasticSinglestep;
        var (down, up) = Ancestral(sigma, next);
        if (down == 0)
        {
            Combination.Update(y, 0, 1, history.Current, Noise(history, sigma, next, up, NoisePurpose.Step), history.Noise);
            return;
        }

        var ratio = _options.Ratio;
        var middle = sigma * Math.Pow((isStochastic ? next : down) / sigma, ratio);
        var (middleDown, middleUp) = isStochastic ? Ancestral(sigma, middle) : (middle, 0);
        var noise = Noise(history, sigma, middle, middleUp, NoisePurpose.Middle);
        Combination.Set<T>(history.Work, middleDown / sigma, y, 1 - (middleDown / sigma), history.Current, noise, history.Noise, 0, y, 0, y);
        Denoise(history.Work, middle, history.Middle);

        var share = 1 / (2 * ratio);
        var weight = 1 - (down / sigma);
        noise = Noise(history, sigma, next, up, NoisePurpose.Step);
        Combination.Set<T>(y, down / sigma, y, weight * (1 - share), history.Current, weight * share, history.Middle, noise, history.Noise, 0, y);
    }

    // DPM-Solver++(2M) and (3M), and their forms with noise. A first step, and a second one of order 3, have lower order.
    private void Multistep(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        var h = Math.Log(sigma / next);
        var eta = _options.Eta;
        var full = h * (1 + eta);
        var weight = -double.ExpM1(-full);
        var (now, last, before) = (weight, 0.0, 0.0);
        if (history.Count > 0)
        {
            var h1 = Math.Log(history.Sigma(1) / sigma);
            var r0 = h1 / h;
            if (_options.Order == 2)
            {
                now += weight / (2 * r0);
                last -= weight / (2 * r0);
            }
            else
            {
                var phi2 = (double.ExpM1(-full) / full) + 1;
                if (history.Count == 1)
                {
                    now += phi2 / r0;
                    last -= phi2 / r0;
                }
                else
                {
                    var r1 = Math.Log(history.Sigma(2) / history.Sigma(1)) / h;
                    var phi3 = (phi2 / full) - 0.5;

                    // d1 and d2 as sums of D, D1, D2: first differences a = (D - D1) / r0 and b = (D1 - D2) / r1.
                    var a = (phi2 * (1 + (r0 / (r0 + r1)))) - (phi3 / (r0 + r1));
                    var b = (-phi2 * r0 / (r0 + r1)) + (phi3 / (r0 + r1));
                    now += a / r0;
                    last += (b / r1) - (a / r0);
                    before -= b / r1;
                }
            }
        }

        var noise = Noise(history, sigma, next, next * Math.Sqrt(-double.ExpM1(-2 * eta * h)), NoisePurpose.Step);
        Combination.Set<T>(
            y, next / sigma * Math.Exp(-eta * h), y, now, history.Current, last, history.Value(1), before, history.Value(2), noise, history.Noise);
    }

    private void LinearMultistep(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        // The history of this sampler holds slopes.
        Combination.Update(history.Current.AsSpan(), -1 / sigma, 1 / sigma, y);
        var order = Math.Min(_options.Order, history.Count + 1);
        Span<double> at = stackalloc double[order];
        Span<double> factors = stackalloc double[4];
        factors.Clear();
        at[0] = sigma;
        for (var i = 1; i < order; i++)
        {
            at[i] = history.Sigma(i);
        }

        for (var i = 0; i < order; i++)
        {
            factors[i] = _options.Method == SamplerMethod.LogMultistep ? LogIntegral(at, i, sigma, next) : Integral(at, i, sigma, next);
        }

        Combination.Set<T>(
            y, 1, y, factors[0], history.Current, factors[1], history.Value(1), factors[2], history.Value(2), factors[3], history.Value(3));
    }

    // The integral of Lagrange's polynomial by the rule of Gauss with two points, exact up to the third degree.
    private static double Integral(ReadOnlySpan<double> at, int which, double from, double to)
    {
        var sum = 0.0;
        for (var side = -1; side <= 1; side += 2)
        {
            var x = ((from + to) / 2) + (side * (to - from) / (2 * Math.Sqrt(3)));
            var value = (to - from) / 2;
            for (var i = 0; i < at.Length; i++)
            {
                value *= i == which ? 1 : (x - at[i]) / (at[which] - at[i]);
            }

            sum += value;
        }

        return sum;
    }

    // The integral over sigma of Lagrange's polynomial in u = log(sigma / from): sum of c_k times the integral of u^k e^u, which comes by parts.
    private static double LogIntegral(ReadOnlySpan<double> at, int which, double from, double to)
    {
        Span<double> powers = stackalloc double[at.Length];
        powers.Clear();
        powers[0] = 1;
        var (degree, nodeOfWhich) = (0, Math.Log(at[which] / from));
        for (var i = 0; i < at.Length; i++)
        {
            if (i == which)
            {
                continue;
            }

            var node = Math.Log(at[i] / from);
            degree++;
            for (var k = degree; k >= 0; k--)
            {
                powers[k] = ((k > 0 ? powers[k - 1] : 0) - (k < degree ? node * powers[k] : 0)) / (nodeOfWhich - node);
            }
        }

        var end = Math.Log(to / from);
        var (integral, sum, power) = (double.ExpM1(end), 0.0, 1.0);
        for (var k = 0; k <= degree; k++)
        {
            sum += powers[k] * integral;
            power *= end;
            integral = (power * Math.Exp(end)) - ((k + 1) * integral);
        }

        return from * sum;
    }
}
