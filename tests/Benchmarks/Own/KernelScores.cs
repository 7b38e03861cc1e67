using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Sampling;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Benchmarks.Own;

/// <summary>The score of a kernel density estimate.</summary>
internal static class KernelScores
{
    private const double Time = 0.3;

    /// <summary>Seconds of the best and of the middle run. Data and queries are standard normal, where no block can be left out; points are not merged, so that all pairs are counted rightly.</summary>
    public static double[] Evaluate(Device device, int points, int queries, int dimensions, double seconds)
    {
        var kernel = new KernelScore<float>(Normals(points * dimensions, 1), dimensions, device: device) { MergesPoints = false };
        var x = Normals(queries * dimensions, 2);
        var score = new float[x.Length];
        return WorkerLoop.Time(seconds, () => kernel.Score(x, Time, score));
    }

    /// <summary>Seconds to sample in the plane at the minimax times, with data left out or merged and with all of them.</summary>
    public static double[] Sample(Device device, int points, int samples, int steps)
    {
        const int Dimensions = 2;
        var kernel = new KernelScore<float>(Normals(points * Dimensions, 1), Dimensions, device: device);
        var stop = new MinimaxStop(2, points, Dimensions, kernel.StandardDeviation);
        var sampler = new DiffusionSampler<float>(
            kernel, SamplerNames.Get("reverse_sde"), NoiseSchedule.Geometric(stop.StartSigma, stop.StopSigma, steps + 1));
        var batch = new float[samples * Dimensions];
        sampler.Sample(batch, 1);
        var skipping = WorkerLoop.Seconds(() => sampler.Sample(batch, 1));
        (kernel.SkipsBlocks, kernel.MergesPoints) = (false, false);
        return [skipping, WorkerLoop.Seconds(() => sampler.Sample(batch, 1))];
    }

    private static float[] Normals(int count, ulong stream)
    {
        var numbers = new float[count];
        Normal.Fill(new Philox(1, stream), 0, 1, numbers);
        return numbers;
    }
}
