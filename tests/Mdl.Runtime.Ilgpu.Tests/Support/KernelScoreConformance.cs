using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Sampling;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Ilgpu.Kernels;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>Scores and densities of the kernel estimate on a device, beside the host in double precision.</summary>
internal static class KernelScoreConformance
{
    /// <summary>The name that stands for this check among models.</summary>
    public const string Name = "KernelScore";

    /// <summary>Counts of points that are no whole tiles, dimensions below and above those kept in registers, points near, far and at the end of few groups.</summary>
    public static void Check(IlgpuDevice device, int points)
    {
        foreach (var d in (int[])[1, 2, 3, 5, 70])
        {
            var random = new Random(d);
            var data = Enumerable.Range(0, points * d).Select(i => (float)(random.NextDouble() + (i / d % 2 * 2))).ToArray();
            var queries = Enumerable.Range(0, 3 * d).Select(_ => (float)(6 * random.NextDouble()) - 1).ToArray();
            var own = new KernelScore<float>(data, d, device: device);
            var reference = new KernelScore<double>([.. data.Select(x => (double)x)], d);
            foreach (var t in (double[])[0.05, 2])
            {
                var (score, log) = (new float[queries.Length], new double[3]);
                var (expected, logExpected) = (new double[queries.Length], new double[3]);
                own.Score(queries, t, score, log);
                reference.Score([.. queries.Select(x => (double)x)], t, expected, logExpected);
                for (var q = 0; q < 3; q++)
                {
                    // Exponents of up to 13 d / t are rounded, the score is a difference of points divided by t.
                    var rounding = 1 + (13 * d / t);
                    Assert.Equal(logExpected[q], log[q], 4e-7 * rounding);
                    for (var j = 0; j < d; j++)
                    {
                        Assert.Equal(expected[(q * d) + j], score[(q * d) + j], 4e-7 * rounding / Math.Sqrt(t));
                    }
                }
            }
        }

        CheckSamples(device, points);
        Assert.Contains(typeof(LowKernelSumKernel), device.Kernels);
        Assert.Contains(typeof(WideKernelSumKernel), device.Kernels);
    }

    // The host draws the noise for all devices; with noise in each step, errors do not grow.
    private static void CheckSamples(IlgpuDevice device, int points)
    {
        var random = new Random(9);
        var data = Enumerable.Range(0, 2 * points).Select(_ => (float)random.NextDouble()).ToArray();
        var samples = new[] { device, null }.Select(d =>
        {
            var y = new float[10];
            new DiffusionSampler<float>(new KernelScore<float>(data, 2, device: d), SamplerNames.Get("euler_a"), NoiseSchedule.Karras(3, 0.2, 5)).Sample(y, seed: 6);
            return y;
        }).ToArray();
        Assert.All(samples[0].Zip(samples[1]), p => Assert.Equal(p.Second, p.First, 1e-4));
    }
}
