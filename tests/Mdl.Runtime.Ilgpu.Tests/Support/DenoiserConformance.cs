using Learned;
using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Diffusion.Networks;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>
/// Learned scores of learned.mdl on a device, beside the reference evaluator and the host: Plane, a perceptron, and Images, a transformer with experts, classes and
/// guidance.
/// </summary>
internal static unsafe class DenoiserConformance
{
    /// <summary>D(y, sigma), v' dD/dy, loss, gradients and next states.</summary>
    public static void CheckPrograms(IlgpuDevice device, string name, float[] sigmas)
    {
        using var model = New(name, device);
        using var host = New(name, null);
        var reference = new LearnedReference(model, "learned.mdl");
        reference.Randomize(3);
        Copy(model, host);
        int[] labels = model.Diffusion.Classes == 0 ? [] : [.. sigmas.Select((_, i) => i % (model.Diffusion.Classes + 1))];
        var count = sigmas.Length * model.Dimensions;
        var (clean, noise, direction) = (Normals(count, 1), Normals(count, 2), Normals(count, 3));
        foreach (var sigma in sigmas)
        {
            var y = clean.Select((x, i) => x + (sigma * noise[i])).ToArray();
            var expected = reference.Denoise(y, [.. sigmas.Select(_ => sigma)], labels);
            var actual = reference.DenoiseByProgram(y, sigma, labels);
            for (var i = 0; i < count; i++)
            {
                // As on the host; exponentials and roots of devices are a few units less exact.
                Assert.Equal(expected[i], actual[i], 5e-5 * (1 + Math.Abs(y[i])));
            }

            var (denoised, pulled, pulledByHost) = (new float[count], new float[count], new float[count]);
            model.Pull(y, sigma, labels, direction, denoised, pulled);
            host.Pull(y, sigma, labels, direction, denoised, pulledByHost);
            var scale = pulledByHost.Max(Math.Abs);
            Assert.All(pulled.Zip(pulledByHost), p => Assert.Equal(p.Second, p.First, 1e-4 * scale));
        }

        reference.CheckTraining(clean, noise, sigmas, labels);
    }

    /// <summary>Samples are those of the host: noise is drawn by the host for all devices.</summary>
    public static void CheckSamples(IlgpuDevice device, string name, int count)
    {
        using var model = New(name, device);
        using var host = New(name, null);
        model.Initialize(5);
        host.Initialize(5);
        var samples = new[] { model, host }.Select(m =>
        {
            var y = new float[count * m.Dimensions];
            if (m is Plane plane)
            {
                plane.CreateDpmPlusPlus2M().Sample(y, seed: 1);
            }
            else
            {
                ((Images)m).CreateSampler().Sample(y, [.. Enumerable.Range(0, count).Select(i => i % 3)], seed: 1);
            }

            return y;
        }).ToArray();
        Assert.All(samples[0].Zip(samples[1]), p => Assert.Equal(p.Second, p.First, 1e-4 * (1 + Math.Abs(p.Second))));
    }

    /// <summary>Steps of training have the losses of the host, and the averaged weights become the same.</summary>
    public static void CheckSteps(IlgpuDevice device, int steps)
    {
        using var model = Plane.Create(device, seed: 2);
        using var host = Plane.Create(seed: 2);
        using var trainer = model.CreateTrainer(new() { Batch = 16, Steps = steps, Seed = 4 });
        using var trainerOfHost = host.CreateTrainer(new() { Batch = 16, Steps = steps, Seed = 4 });
        for (var step = 0; step < steps; step++)
        {
            var batch = Normals(32, (ulong)step);
            Assert.Equal(trainerOfHost.Step(batch).Loss, trainer.Step(batch).Loss, 1e-4);
        }

        // AdamW divides by the root of the second moment: where a gradient is nearly 0, its rounding moves a weight by up to the learning rate, 3e-3 here.
        var own = trainer.Average.Weights;
        var others = trainerOfHost.Average.Weights;
        var differences = Enumerable.Range(0, (int)host.Info.TotalSize).Select(i => Math.Abs(own[i] - others[i])).Order().ToArray();
        Assert.InRange(differences[differences.Length * 99 / 100], 0, 1e-4);
        Assert.InRange(differences[^1], 0, 3e-3f * steps);
    }

    /// <summary>Every kernel that was generated has run.</summary>
    public static void CheckKernels(IlgpuDevice device, string name)
    {
        var kernels = KernelList.Of(name == "Plane" ? typeof(Plane) : typeof(Images)).ToList();
        Assert.NotEmpty(kernels);
        Assert.Empty(kernels.Except(device.Kernels));
    }

    private static DiffusionModel New(string name, IlgpuDevice? device) => name == "Plane" ? new Plane(device) : new Images(device);

    private static void Copy(DiffusionModel from, DiffusionModel to) =>
        new ReadOnlySpan<float>(from.Weights, (int)from.Info.TotalSize).CopyTo(new Span<float>(to.Weights, (int)to.Info.TotalSize));

    private static float[] Normals(int count, ulong seed)
    {
        var numbers = new float[count];
        Normal.Fill(new Philox(seed, 5), 0, 1, numbers);
        return numbers;
    }
}
