using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;

namespace Minimax.Sample.Measures;

/// <summary>
/// Distances in total variation. Without a tail the samples of exact sampling follow the kernel estimate at the stopping time, so that nothing has to be sampled.
/// </summary>
internal static class TotalVariation
{
    // Of the smoothing law; differences of densities vary over one of it. In the plane the mean over many points makes up for the coarser grid.
    private const double StepInDeviations = 0.125;

    /// <summary>Means over some data sets: of the samples to the law with noise, and to the law itself; and the distance of these two, the bias.</summary>
    public static (double ToNoisy, double ToClean, double Bias) Measure(Target target, double t, int count, int sets, int seed)
    {
        var grid = new Grid(target, t, (target.Dimensions == 1 ? 1 : 4) * StepInDeviations * Math.Sqrt(t));
        var d = target.Dimensions;
        var (noisy, clean, point) = (new double[grid.Count], new double[grid.Count], new double[d]);
        for (var i = 0; i < grid.Count; i++)
        {
            Array.Copy(grid.Points, i * d, point, 0, d);
            (noisy[i], clean[i]) = (target.Density(point, t), target.Clean(point));
        }

        var (score, log) = (new double[grid.Points.Length], new double[grid.Count]);
        var (toNoisy, toClean) = (0.0, 0.0);
        for (var set = 0; set < sets; set++)
        {
            new KernelScore<double>(target.Points(count, seed + set), d, KernelTail.None).Score(grid.Points, t, score, log);
            for (var i = 0; i < grid.Count; i++)
            {
                var estimate = Math.Exp(log[i]);
                toNoisy += Math.Abs(estimate - noisy[i]);
                toClean += Math.Abs(estimate - clean[i]);
            }
        }

        var bias = noisy.Zip(clean, (a, b) => Math.Abs(a - b)).Sum();
        return (toNoisy * grid.Cell / 2 / sets, toClean * grid.Cell / 2 / sets, bias * grid.Cell / 2);
    }
}
