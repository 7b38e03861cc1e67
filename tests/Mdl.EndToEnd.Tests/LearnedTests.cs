using Learned;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Networks;
using Mdl.Runtime.Diffusion.Sampling;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.EndToEnd.Tests;

public sealed class LearnedTests
{
    private static readonly float[] Sigmas = [0.01f, 0.3f, 1, 4, 60];

    public static TheoryData<string> Networks => ["Plane", "Images"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Programs_compute_what_the_graph_means(string name)
    {
        using var device = new Device(2);
        using DiffusionModel model = name == "Plane" ? new Plane(device) : new Images(device);
        var reference = new LearnedReference(model, "learned.mdl");
        reference.Randomize(3);
        int[] labels = model.Diffusion.Classes == 0 ? [] : [0, 3, 2, 1, 0];
        var (clean, noise) = (Normals(Sigmas.Length * model.Dimensions, 1), Normals(Sigmas.Length * model.Dimensions, 2));
        foreach (var sigma in Sigmas)
        {
            var y = clean.Select((x, i) => x + (sigma * noise[i])).ToArray();
            var expected = reference.Denoise(y, [.. Sigmas.Select(_ => sigma)], labels);
            var actual = reference.DenoiseByProgram(y, sigma, labels);
            for (var i = 0; i < expected.Length; i++)
            {
                // Of a flow, D = (y - sigma F) / (1 + sigma): the terms that cancel are as large as y.
                Assert.Equal(expected[i], actual[i], 2e-5 * (1 + Math.Abs(y[i])));
            }
        }

        reference.CheckTraining(clean, noise, Sigmas, labels);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Pullbacks_are_derivatives_of_the_denoiser(string name)
    {
        using var device = new Device(2);
        using DiffusionModel model = name == "Plane" ? new Plane(device) : new Images(device);
        var reference = new LearnedReference(model, "learned.mdl");
        reference.Randomize(3);
        var d = model.Dimensions;
        var labels = model.Diffusion.Classes == 0 ? [] : new[] { 0, 3 };
        foreach (var sigma in new[] { 0.05f, 1, 20 })
        {
            var (y, direction) = (Normals(2 * d, 1), Normals(2 * d, 2));
            var (along, denoised, pulled) = (Normals(2 * d, 3), new float[2 * d], new float[2 * d]);
            model.Pull(y, sigma, labels, direction, denoised, pulled);
            var plain = new float[2 * d];
            model.Denoise(y, sigma, labels, plain);

            // v' J u two ways, the other one by the central difference of the reference in double precision.
            double[] Moved(double step) => reference.Denoise([.. y.Select((x, i) => x + (step * along[i]))], [sigma, sigma], labels);
            const double Step = 1e-6;
            var (above, below) = (Moved(Step), Moved(-Step));
            for (var sample = 0; sample < 2; sample++)
            {
                var range = Enumerable.Range(sample * d, d).ToArray();
                var expected = range.Sum(i => direction[i] * (above[i] - below[i]) / (2 * Step));
                var scale = Math.Sqrt(range.Sum(i => pulled[i] * pulled[i]) * range.Sum(i => along[i] * along[i]));
                Assert.Equal(expected, range.Sum(i => (double)pulled[i] * along[i]), 1e-4 * scale);
                Assert.All(range, i => Assert.Equal(plain[i], denoised[i], 1e-5 * (1 + Math.Abs(plain[i]))));
            }
        }
    }

    [Fact]
    public void A_denoiser_is_made_of_what_its_network_predicts()
    {
        Check(new EchoEdm(), sigma => Preconditioning.Edm(sigma, 0.7));
        Check(new EchoEps(), sigma => Preconditioning.Of(Prediction.Noise, ProcessKind.VariancePreserving, sigma));
        Check(new EchoV(), sigma => Preconditioning.Of(Prediction.Velocity, ProcessKind.VariancePreserving, sigma));
        Check(new EchoScore(), sigma => Preconditioning.Of(Prediction.Score, ProcessKind.VarianceExploding, sigma));
        Check(new EchoFlow(), sigma => Preconditioning.Of(Prediction.Flow, ProcessKind.Flow, sigma));

        // The sub-VP process has std = 1 - alpha^2.
        Check(new EchoX0(), sigma =>
        {
            var alpha = (Math.Sqrt((sigma * sigma) + 4) - sigma) / 2;
            Assert.Equal(sigma, (1 - (alpha * alpha)) / alpha, 1e-10 * sigma);
            return new(0, 1, alpha, Math.Log(sigma) / 4);
        });

        static void Check(DiffusionModel model, Func<double, Preconditioning> wanted)
        {
            using (model)
            {
                foreach (var sigma in Sigmas.Select(s => (double)s))
                {
                    var (y, denoised) = (Normals(6, 4), new float[6]);
                    model.Denoise(y, sigma, denoised);
                    var (skip, factor, input, noise) = wanted(sigma);
                    for (var i = 0; i < y.Length; i++)
                    {
                        var expected = (skip * y[i]) + (factor * ((2 * input * y[i]) + noise));
                        // Rounding of terms as large as sigma squared.
                        Assert.Equal(expected, denoised[i], 1e-6 * (1 + Math.Abs(factor) * (Math.Abs(noise) + 1)));
                    }
                }
            }
        }
    }

    [Fact]
    public void The_loss_is_the_weighted_squared_error()
    {
        // min_snr(5) of a network that predicts eps: the mean of min(1 / sigma^2, 5) (D - x0)^2.
        using var model = new EchoEps();
        var (clean, noise) = (Normals(15, 1), Normals(15, 2));
        var y = clean.Select((x, i) => x + (Sigmas[i / 3] * noise[i])).ToArray();
        var reference = new LearnedReference(model, "learned.mdl");
        var denoised = reference.Denoise(y, Sigmas, []);
        var expected = Enumerable.Range(0, 15).Average(i => Math.Min(1 / Math.Pow(Sigmas[i / 3], 2), 5) * Math.Pow(denoised[i] - clean[i], 2));
        unsafe
        {
            using var program = model.CreateTraining(5);
            clean.CopyTo(new Span<float>(program.Clean, 15));
            noise.CopyTo(new Span<float>(program.Noise, 15));
            Sigmas.CopyTo(new Span<float>(program.Sigma, 5));
            program.Forward();
            Assert.Equal(expected, program.Metrics[0], 1e-5 * expected);
        }
    }

    [Fact]
    public void A_network_learns_to_sample_two_spots()
    {
        const int Batch = 512;
        const int Count = 2000;
        using var model = Plane.Create(seed: 1);
        using var trainer = model.CreateTrainer(new() { Batch = Batch, Steps = 600, Seed = 1 });
        for (var step = 0; step < 600; step++)
        {
            trainer.Step(TwoSpots(Batch, (ulong)step + 10));
        }

        // The density of a new sample is p(x) = the mean of two normal laws; what training has not learnt costs some hundredths of a nat.
        var fresh = TwoSpots(400, 3);
        var (learned, probed) = (new double[400], new double[400]);
        new LogLikelihood<float>(trainer.Average).Evaluate(fresh, learned);
        new LogLikelihood<float>(trainer.Average, probes: 2).Evaluate(fresh, probed, seed: 1);
        var exact = new GaussianMixture<float>([1, 1], [-0.6, 0, 0.6, 0.3], [0.01, 0.01]);
        var loss = Enumerable.Range(0, 400).Average(i => exact.LogDensity(fresh.AsSpan(2 * i, 2), 0.002) - learned[i]);
        Assert.InRange(loss, -0.05, 0.2);
        Assert.Equal(learned.Average(), probed.Average(), 0.1);

        foreach (var sampler in new DiffusionSampler<float>[] { trainer.Average.CreateHeun(), trainer.Average.CreateDpmPlusPlus2M() })
        {
            var samples = new float[2 * Count];
            sampler.Sample(samples, seed: 3);
            var right = Enumerable.Range(0, Count).Where(i => samples[2 * i] > 0).ToArray();
            var left = Enumerable.Range(0, Count).Except(right).ToArray();

            // Five standard errors of a half are 0.056; 600 steps of training leave errors of the means and deviations of about 0.01.
            Assert.Equal(0.5, (double)right.Length / Count, 0.07);
            Near((0.6, 0.3), right);
            Near((-0.6, 0), left);

            void Near((double X, double Y) mean, int[] spot)
            {
                var (x, y) = (spot.Select(i => samples[2 * i]).ToArray(), spot.Select(i => samples[(2 * i) + 1]).ToArray());
                Assert.Equal(mean.X, x.Average(), 0.04);
                Assert.Equal(mean.Y, y.Average(), 0.04);
                Assert.InRange(Deviation(x), 0.075, 0.14);
                Assert.InRange(Deviation(y), 0.075, 0.14);
            }
        }
    }

    [Fact]
    public void Training_depends_on_seed_and_batches_alone_and_continues_to_the_bit()
    {
        float[]? expected = null;
        var path = Path.Combine(Path.GetTempPath(), $"mdl-{Guid.NewGuid():N}.safetensors");
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var device = new Device(threads);
            using var model = Images.Create(device, seed: 2);
            using var trainer = model.CreateTrainer(new() { Batch = 6, Steps = 4, Seed = 5 });
            Steps(trainer, 0, 2);
            trainer.Save(path);
            Steps(trainer, 2, 4);
            var weights = Weights(model);
            expected ??= weights;
            Assert.Equal(expected, weights);

            using var again = Images.Create(device, seed: 9);
            using var resumed = again.CreateTrainer(new() { Batch = 6, Steps = 4, Seed = 5 });
            resumed.Load(path);
            Assert.Equal(2, resumed.StepsDone);
            Steps(resumed, 2, 4);
            Assert.Equal(expected, Weights(again));
            Assert.Equal(Weights(trainer.Average), Weights(resumed.Average));
        }

        // A trainer's file is a model's, too.
        using var loaded = Images.Load(path);
        File.Delete(path);
        loaded.Save(path);
        using var same = Images.Load(path);
        Assert.Equal(Weights(loaded), Weights(same));
        Assert.Contains("Plane", Assert.Throws<SafetensorsException>(() => Plane.Load(path)).Message, StringComparison.Ordinal);
        File.Delete(path);

        static void Steps(Images.Trainer trainer, int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                trainer.Step(Normals(6 * Images.Dimensions, (ulong)step), [0, 1, 2, 0, 1, 2]);
            }
        }
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        using var device = new Device(2);
        using var model = Images.Create(device, seed: 1);
        using var trainer = model.CreateTrainer(new() { Batch = 4 });
        var (samples, labels) = (Normals(4 * Images.Dimensions, 1), new[] { 0, 1, 2, 3 });
        var sampler = model.CreateSampler();
        var drawn = new float[samples.Length];
        for (var i = 0; i < 3; i++)
        {
            trainer.Step(samples, labels);
            sampler.Sample(drawn, labels, 1);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        trainer.Step(samples, labels);
        sampler.Sample(drawn, labels, 1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Guidance_is_the_sources()
    {
        using var device = new Device(2);
        using var model = Images.Create(device, seed: 4);
        var reference = new LearnedReference(model, "learned.mdl");
        reference.Randomize(1);
        int[] labels = [2, 0, 3];
        var samples = new float[3 * Images.Dimensions];
        var sampler = model.CreateSampler();
        sampler.Sample(samples, labels, 7);

        // The same by hand, from the two denoisers.
        var guided = new GuidedDenoiser<float>(new Labelled(model, labels), model, 3, 0.1, 10, 0.5);
        var expected = new float[samples.Length];
        new DiffusionSampler<float>(guided, sampler.Options, sampler.Sigmas).Sample(expected, 7);
        Assert.Equal(expected, samples);

        // A sample of no class is the same guided or not, and differs from one of a class.
        var plain = new float[samples.Length];
        sampler.Sample(plain, 7);
        Assert.Equal(plain[^1], samples[^1], 1e-4);
        Assert.NotEqual(plain[0], samples[0], 1e-3);
    }

    [Fact]
    public void Samples_depend_on_seed_and_number_alone()
    {
        const int Count = 300;
        float[]? expected = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var device = new Device(threads);
            using var model = Plane.Create(device, seed: 1);
            var samples = new float[2 * Count];
            model.CreateDpmPlusPlus2M().Sample(samples, seed: 3);
            expected ??= samples;
            Assert.Equal(expected, samples);

            // A batch of few multiplies in another order: the last bits may differ, and no step makes them more.
            var part = new float[10];
            model.CreateDpmPlusPlus2M().Sample(part, seed: 3, firstSample: 7);
            Assert.All(Enumerable.Range(0, 10), i => Assert.Equal(expected[14 + i], part[i], 1e-4 * (1 + Math.Abs(part[i]))));
        }
    }

    [Fact]
    public void Bad_input_is_named()
    {
        using var model = new Plane();
        using var trainer = model.CreateTrainer(new() { Batch = 2 });
        using var images = new Images();
        Says("A batch has 2 x 2 numbers, not 3", () => trainer.Step(new float[3]));
        Says("Sample 1 has NaN at coordinate 0", () => trainer.Step([1, 2, float.NaN, 1]));
        Says("Plane has no condition", () => trainer.Step(new float[4], [0, 1]));
        Says("Label 1 is 4; classes are 0 to 2, and 3 is none", () => images.CreateSampler().Sample(new float[2 * 64], [1, 4], 0));
        Says("2 samples need 2 labels or none, not 3", () => images.CreateSampler().Sample(new float[2 * 64], [1, 2, 0], 0));
        Says("3 numbers and 3 results are not samples of 2 coordinates", () => model.Denoise(new float[3], 1, new float[3]));
        Says("Sigma must be above 0 and finite", () => model.Denoise(new float[2], double.NaN, new float[2]));

        static void Says(string message, Action action) => Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    // Two normal laws of deviation 0.1 at (-0.6, 0) and (0.6, 0.3).
    private static float[] TwoSpots(int count, ulong seed)
    {
        var points = Normals(2 * count, seed);
        for (var i = 0; i < count; i++)
        {
            points[2 * i] = (0.1f * points[2 * i]) + (i % 2 == 0 ? -0.6f : 0.6f);
            points[(2 * i) + 1] = (0.1f * points[(2 * i) + 1]) + (i % 2 == 0 ? 0 : 0.3f);
        }

        return points;
    }

    private static float[] Normals(int count, ulong seed)
    {
        var numbers = new float[count];
        Normal.Fill(new Philox(seed, 5), 0, 1, numbers);
        return numbers;
    }

    private static unsafe float[] Weights(DiffusionModel model) => new ReadOnlySpan<float>(model.Weights, (int)model.Info.TotalSize).ToArray();

    private static double Deviation(float[] x) => Math.Sqrt(x.Average(v => v * v) - Math.Pow(x.Average(), 2));

    private sealed class Labelled(DiffusionModel model, int[] labels) : IDenoiser<float>
    {
        public int Dimensions => model.Dimensions;

        public void Denoise(ReadOnlySpan<float> y, double sigma, Span<float> denoised) => model.Denoise(y, sigma, labels, denoised);
    }
}
