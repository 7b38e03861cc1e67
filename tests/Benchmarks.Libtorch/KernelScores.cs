using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>The score of a kernel density estimate.</summary>
internal static class KernelScores
{
    private const float Time = 0.3f;

    /// <summary>Seconds of the best and of the middle run.</summary>
    public static double[] Evaluate(int points, int queries, int dimensions, double seconds)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var data = randn(points, dimensions);
        var x = randn(queries, dimensions);
        return WorkerLoop.Time(seconds, () =>
        {
            using var inner = NewDisposeScope();
            var weights = nn.functional.softmax(cdist(x, data).pow(2) / (-2 * Time), 1);
            (weights.matmul(data) - x).div_(Time);
        });
    }
}
