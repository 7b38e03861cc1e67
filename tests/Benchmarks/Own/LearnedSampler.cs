using Denoising;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;

namespace Mdl.Benchmarks.Own;

/// <summary>Sampling with the network of denoiser.mdl.</summary>
internal static class LearnedSampler
{
    /// <summary>Seconds of a step of DPM-Solver++(2M), one evaluation and one update: of the best and of the middle run of twelve steps.</summary>
    public static double[] Step(Device device, int batch, double seconds)
    {
        using var model = PlanePoints.Create(device, seed: 1);
        var sampler = model.CreateSampler();
        var samples = new float[batch * PlanePoints.Dimensions];
        return [.. WorkerLoop.Time(seconds, () => sampler.Sample(samples, 1)).Select(s => s / PlanePoints.Sampler.Steps)];
    }
}
