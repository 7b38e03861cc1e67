using Diffusions;
using Mdl.Dsl.Binding;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion.Sampling;

namespace Mdl.EndToEnd.Tests;

public sealed class DiffusionTests
{
    [Fact]
    public void The_language_names_the_samplers_of_the_runtime()
    {
        Assert.Equal(SamplerNames.All, SamplerRule.ByName.Keys);
        foreach (var (name, rule) in SamplerRule.ByName)
        {
            var options = SamplerNames.Get(name);
            Assert.Equal((rule.Method, rule.Eta, rule.LargeVariance), (options.Method.ToString(), options.Eta, options.LargeVariance));
            Assert.Equal(rule.Order, options.Order);
            Assert.Equal(rule.TakesEta, (options with { Eta = 1 }).Problem() is null && options.Method is not (SamplerMethod.EulerMaruyama or SamplerMethod.Renoise));
        }
    }

    [Fact]
    public void Kernel_samples_follow_the_law_of_the_kernel_estimate()
    {
        // With the pseudo-datum left out of 400 data: 1 part in 401.
        var data = Data(400, 1);
        var diffusion = new KernelPoints(data, 1);
        Assert.Equal(Math.Pow(400, -2 / 5.0), diffusion.Stop.StopTime / Math.Pow(diffusion.Score.StandardDeviation, 2), 1e-9);
        var samples = new float[4000];
        diffusion.CreateSampler().Sample(samples, seed: 1);
        Assert.Equal(100, KernelPoints.Sampler.Steps);

        var deviation = Math.Sqrt(diffusion.Stop.StopTime);
        var distance = KolmogorovSmirnov(samples, x => data.Average(d => Normal((x - d) / deviation)));
        // 1.95 is exceeded once in a thousand seeds by exact samples; 100 steps and the start add little.
        Assert.InRange(distance * Math.Sqrt(samples.Length), 0, 1.95);
    }

    [Fact]
    public void Several_samplers_are_classes_of_their_own()
    {
        var diffusion = new TwoPeaks();
        foreach (var sampler in new DiffusionSampler<float>[]
        {
            diffusion.CreateDpmPlusPlus2M(), diffusion.CreateDdpmLarge(), diffusion.CreateHeun(), diffusion.CreateOrder2Multistep(),
        })
        {
            Assert.Equal(0, sampler.Sigmas[^1]);
            Assert.Equal(157.407, sampler.Sigmas[0], 0.001);
            var samples = new float[2000];
            sampler.Sample(samples, 2);
            // E x^2 = 4.25; its standard error is 0.046, and few steps leave a bias.
            Assert.InRange(samples.Average(x => x * x), 3.7, 4.8);
        }

        Assert.Equal(1, TwoPeaks.Dimensions);
    }

    [Fact]
    public void Own_levels_and_stops_are_taken()
    {
        var own = new OwnLevels(Data(100, 2)).CreateSampler();
        Assert.Equal([20, 5, 1, 0.3, 0], own.Sigmas);
        var stopped = new Stopped(Data(100, 2), 2).CreateSampler();
        Assert.Equal(0.2, stopped.Sigmas[^2]);
        Assert.Equal(0, stopped.Sigmas[^1]);
        Assert.Equal(20, stopped.Sigmas.Count - 1);
        Assert.Equal(1, stopped.Options.Corrector?.Steps);
    }

    [Fact]
    public void Samples_depend_on_seed_and_number_alone()
    {
        float[]? expected = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var device = new Device(threads);
            var samples = new float[60];
            new KernelPoints(Data(300, 2), 2, device).CreateSampler().Sample(samples, 3);
            expected ??= samples;
            Assert.Equal(expected, samples);
        }

        var part = new float[10];
        new KernelPoints(Data(300, 2), 2).CreateSampler().Sample(part, 3, firstSample: 5);
        Assert.Equal(expected![10..20], part);
    }

    [Fact]
    public void Bad_data_are_named() =>
        Assert.Contains("Point 1 has NaN", Assert.Throws<ArgumentException>(() => new KernelPoints([1, float.NaN, 2], 1)).Message, StringComparison.Ordinal);

    private static float[] Data(int count, int dimensions)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, count * dimensions).Select(i => (float)(random.NextDouble() + (i / dimensions % 2 * 3)))];
    }

    private static double KolmogorovSmirnov(float[] samples, Func<double, double> law)
    {
        var sorted = samples.Order().ToArray();
        return sorted.Select((x, i) => Math.Max(Math.Abs(law(x) - ((double)i / sorted.Length)), Math.Abs(law(x) - ((i + 1.0) / sorted.Length)))).Max();
    }

    // Abramowitz and Stegun 7.1.26, absolute error 1.5e-7.
    private static double Normal(double x)
    {
        var z = Math.Abs(x) / Math.Sqrt(2);
        var t = 1 / (1 + (0.3275911 * z));
        var erf = 1 - (((((((((1.061405429 * t) - 1.453152027) * t) + 1.421413741) * t) - 0.284496736) * t) + 0.254829592) * t * Math.Exp(-z * z));
        return (1 + (Math.Sign(x) * erf)) / 2;
    }
}
