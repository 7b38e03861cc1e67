using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Benchmarks.Own;

/// <summary>The score of a kernel density estimate.</summary>
internal static class KernelScores
{
    private const double Time = 0.3;

    /// <summary>Seconds of the best and of the middle run. Data and queries are standard normal, where no block can be left out.</summary>
    public static double[] Evaluate(Device device, int points, int queries, int dimensions, double seconds)
    {
        var kernel = new KernelScore<float>(Normals(points * dimensions, 1), dimensions, device: device);
        var x = Normals(queries * dimensions, 2);
        var score = new float[x.Length];
        return WorkerLoop.Time(seconds, () => kernel.Score(x, Time, score));
    }

    private static float[] Normals(int count, ulong stream)
    {
        var numbers = new float[count];
        Normal.Fill(new Philox(1, stream), 0, 1, numbers);
        return numbers;
    }
}
