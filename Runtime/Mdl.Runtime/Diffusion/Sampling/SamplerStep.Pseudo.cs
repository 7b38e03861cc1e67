namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>PNDM (Liu et al., 2202.09778): steps of DDIM along a mean of slopes whose weights are those of equal steps, whatever the steps are.</summary>
public sealed partial class SamplerStep<T>
{
    // The formulas of Adams and Bashforth.
    private static ReadOnlySpan<double> EqualSteps => [1, 0, 0, 0, 1.5, -0.5, 0, 0, 23 / 12.0, -16 / 12.0, 5 / 12.0, 0, 55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0];

    // The history holds slopes. PNDM begins with three steps of Runge and Kutta, PLMS with lower orders.
    private void Pseudo(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        Combination.Update(history.Current.AsSpan(), -1 / sigma, 1 / sigma, y);
        if (_options.Method == SamplerMethod.Pndm && history.Count < StepHistory<T>.Most)
        {
            PseudoRungeKutta(y, sigma, next, history);
            return;
        }

        var factors = EqualSteps.Slice(4 * history.Count, 4);
        var step = next - sigma;
        Combination.Set<T>(
            y, 1, y, step * factors[0], history.Current, step * factors[1], history.Value(1), step * factors[2], history.Value(2), step * factors[3], history.Value(3));
    }

    private void PseudoRungeKutta(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        // Half a step is half of log sigma: a step knows of no times.
        var middle = Math.Sqrt(sigma * next);
        var work = history.Work.AsSpan();
        var slope = history.Middle.AsSpan();
        var sum = history.Noise.AsSpan();
        history.Current.CopyTo(sum);
        Combination.Set<T>(work, 1, y, middle - sigma, history.Current, 0, y, 0, y, 0, y);
        Slope(work, middle, slope);
        Combination.Update<T>(sum, 1, 2, slope);
        Combination.Set<T>(work, 1, y, middle - sigma, slope, 0, y, 0, y, 0, y);
        Slope(work, middle, slope);
        Combination.Update<T>(sum, 1, 2, slope);
        Combination.Set<T>(work, 1, y, next - sigma, slope, 0, y, 0, y, 0, y);
        Slope(work, next, slope);
        Combination.Set<T>(y, 1, y, (next - sigma) / 6, sum, (next - sigma) / 6, slope, 0, y, 0, y);
    }

    // (y - D) / sigma.
    private void Slope(ReadOnlySpan<T> y, double sigma, Span<T> slope)
    {
        Denoise(y, sigma, slope);
        Combination.Update(slope, -1 / sigma, 1 / sigma, y);
    }
}
