using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Sampling;

namespace Mdl.Runtime.Tests.Diffusion;

public sealed class SamplerTests
{
    private static readonly GaussianMixture<double> Two = new([0.5, 0.5], [-2, 2], [0.25, 0.25]);
    private static readonly double[] Starts = [.. Enumerable.Range(0, 64).Select(i => 10 * (-2.2 + (4.4 * i / 63)))];

    // From an independent implementation: ten steps of Karras levels from 10 to 0.1.
    [Theory]
    [InlineData("euler", -1.7460186650, 1.0814583084, 2.2663139433)]
    [InlineData("ddim", -1.7460186650, 1.0814583084, 2.2663139433)]
    [InlineData("heun", -1.8592425035, 1.2863365429, 2.3865302184)]
    [InlineData("dpm2", -1.8514701332, 1.2777386430, 2.3763056616)]
    [InlineData("dpm++2s", -1.8323910816, 1.2487141990, 2.3527108737)]
    [InlineData("dpm++2m", -1.8735781763, 1.2883938001, 2.3881107073)]
    [InlineData("dpm++3m", -1.8112936623, 1.2109672480, 2.3541769633)]
    public void TrajectoriesAreThePublishedOnes(string name, double first, double second, double third)
    {
        double[] y = [-5, 1, 12];
        new DiffusionSampler<double>(Two, SamplerNames.Get(name), NoiseSchedule.Karras(10, 0.1, 11)).Continue(y, 0);
        Assert.Equal(first, y[0], 1e-9);
        Assert.Equal(second, y[1], 1e-9);
        Assert.Equal(third, y[2], 1e-9);
        var denoised = new double[1];
        Two.Denoise([1.0], 1, denoised);
        Assert.Equal(1.674669687050, denoised[0], 1e-12);
    }

    // Root mean squared errors of an independent implementation, and the order between 160 and 640 steps.
    [Theory]
    [InlineData("euler", 1.209e-1, 1.845e-3, 1.00)]
    [InlineData("heun", 2.701e-2, 5.511e-6, 2.00)]
    [InlineData("dpm2", 1.672e-2, 3.767e-6, 2.00)]
    [InlineData("dpm++2s", 1.557e-2, 5.424e-6, 1.99)]
    [InlineData("dpm++2m", 2.957e-2, 7.684e-6, 2.00)]
    [InlineData("dpm++3m", 2.534e-2, 1.451e-6, 2.01)]
    [InlineData("lms", 2.570e-2, 4.460e-7, 2.05)]
    public void ErrorsFallWithTheirOrder(string name, double ten, double many, double order)
    {
        Assert.InRange(Error(name, 10) / ten, 0.999, 1.001);
        var fine = Error(name, 640);
        Assert.InRange(fine / many, 0.995, 1.005);
        Assert.Equal(order, Math.Log2(Error(name, 320) / fine), 0.05);
    }

    // Orders by theory, measured between 160 and 640 steps as above; a low-order start leaves at most order 3 (2 where the first step is Euler's alone).
    [Theory]
    [InlineData("deis", 2)]
    [InlineData("deis3", 2)]
    [InlineData("plms", 2)]
    [InlineData("pndm", 2)]
    [InlineData("unipc", 3)]
    [InlineData("unipc3", 3)]
    public void OrdersOfTheOthersAreThoseOfTheory(string name, double least)
    {
        var (coarse, fine) = (Error(name, 160), Error(name, 640));
        Assert.InRange(0.5 * Math.Log2(coarse / fine), least - 0.05, 4.1);
        Assert.InRange(Error(name, 40), 0, Error("euler", 40) / 5);
    }

    // On equal steps the weights of PLMS are those of linear multistep.
    [Fact]
    public void PseudoMultistepIsLinearMultistepOnEqualSteps()
    {
        var sigmas = Enumerable.Range(0, 31).Select(i => 4 - (i * 0.13)).ToArray();
        double[] a = [-5, 1, 12], b = [-5, 1, 12];
        new DiffusionSampler<double>(Two, SamplerNames.Get("plms"), sigmas).Continue(a, 0);
        new DiffusionSampler<double>(Two, SamplerNames.Get("lms"), sigmas).Continue(b, 0);
        Assert.All(a.Zip(b), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
    }

    // Slopes that are a polynomial in log sigma are integrated exactly once there are enough of them: all that is left is what the start got wrong.
    [Theory]
    [InlineData("deis", 1)]
    [InlineData("deis3", 2)]
    public void DeisIsExactForPolynomialsInLogSigma(string name, int degree)
    {
        var model = new Function((y, s) => y - (s * (0.3 + Math.Pow(Math.Log(s), degree))));
        var errors = new List<double>();
        double[] y = [1];
        new DiffusionSampler<double>(model, SamplerNames.Get(name), NoiseSchedule.Karras(10, 0.1, 9))
            .Continue(y, 0, afterStep: (_, sigma, batch) => errors.Add(batch[0] - 1 - Integral(s => 0.3 + Math.Pow(Math.Log(s), degree), 10, sigma)));
        Assert.NotEqual(0, errors[^1], 1e-6);
        Assert.All(errors.Skip(degree), e => Assert.Equal(errors[^1], e, 1e-11));
    }

    // The same for UniPC with denoised points that are a quadratic of log sigma, where an error is carried as sigma is: predictor and corrector are exact.
    [Fact]
    public void UniPcOfOrderThreeIsExactForQuadraticsInLogSigma()
    {
        static double Denoised(double s) => 0.3 + Math.Log(s) - (0.5 * Math.Log(s) * Math.Log(s));
        var errors = new List<double>();
        double[] y = [1];
        new DiffusionSampler<double>(new Function((_, s) => Denoised(s)), SamplerNames.Get("unipc3"), NoiseSchedule.Karras(10, 0.1, 11)).Continue(
            y, 0, afterStep: (_, sigma, batch) => errors.Add((batch[0] / sigma) - (1 / 10.0) + Integral(s => Denoised(s) / (s * s), 10, sigma)));
        Assert.NotEqual(0, errors[^1], 1e-6);
        Assert.All(errors.Skip(4), e => Assert.Equal(errors[^1], e, 1e-9));
    }

    // The error follows the tolerance, the number of evaluations grows as its power -1/2 or -1/3.
    [Theory]
    [InlineData(2, 3.162)]
    [InlineData(3, 2.154)]
    public void AdaptiveStepsKeepTheirTolerance(int order, double growth)
    {
        var evaluations = new List<int>();
        foreach (var tolerance in new[] { 1e-2, 1e-3, 1e-4, 1e-5, 1e-6 })
        {
            var y = (double[])Starts.Clone();
            var options = SamplerNames.Get("dpm_adaptive") with { Order = order, Tolerance = new(tolerance, tolerance) };
            var sampler = new DiffusionSampler<double>(Two, options, [10, 0.1]);
            sampler.Continue(y, 0);
            Assert.InRange(Math.Sqrt(y.Zip(Exact.Value, (a, b) => (a - b) * (a - b)).Average()), 0, 5 * tolerance);
            evaluations.Add(sampler.Evaluations);
        }

        Assert.InRange(Math.Pow((double)evaluations[4] / evaluations[2], 0.5), growth / 1.15, growth * 1.15);
    }

    [Fact]
    public void AdaptiveStepsStopAtWhatIsNoNumber()
    {
        var sampler = new DiffusionSampler<double>(new Function((_, s) => s < 3 ? double.NaN : 0), SamplerNames.Get("dpm_adaptive"), [10, 0.1, 0]);
        Assert.Contains("no numbers", Assert.Throws<ArithmeticException>(() => sampler.Continue(new double[4], 0)).Message, StringComparison.Ordinal);
    }

    // Data N(0, 0.25), the published grid: what is left of a deviation, beside the exact flow.
    [Theory]
    [InlineData("euler", 0.846079397, 0.964659680)]
    [InlineData("heun", 1.055269884, 1.002310204)]
    [InlineData("dpm2", 1.031622237, 1.001339627)]
    [InlineData("dpm++2s", 0.975153959, 0.998708330)]
    [InlineData("dpm++2m", 1.062300896, 1.002379664)]
    public void GainsOnNormalDataAreThePublishedOnes(string name, double few, double many)
    {
        const double Exact = 0.00624987793326;
        var model = new GaussianMixture<double>([1], [0], [0.25]);
        foreach (var (steps, expected) in new[] { (18, few), (80, many) })
        {
            double[] y = [80];
            new DiffusionSampler<double>(model, SamplerNames.Get(name), NoiseSchedule.ToZero(NoiseSchedule.Karras(80, 0.002, steps))).Continue(y, 0);
            Assert.Equal(expected, y[0] / 80 / Exact, 1e-8);
        }
    }

    // On N(0, 0.25) a step is a linear map plus independent noise, so the variance follows from the map of a 1 and from the noise's factor: no sampling.
    [Theory]
    [InlineData("euler_a", -0.395, -0.124, -0.0331, -0.00840)]
    [InlineData("reverse_sde", 0.688, 0.128, 0.0301, 0.00739)]
    public void StochasticSamplersHaveWeakOrderOne(string name, double twenty, double eighty, double more, double most)
    {
        var model = new GaussianMixture<double>([1], [0], [0.25]);
        foreach (var (levels, expected) in new[] { (20, twenty), (80, eighty), (320, more), (1280, most) })
        {
            var sigmas = NoiseSchedule.Karras(80, 0.02, levels);
            var variance = 80.0 * 80;
            for (var i = 0; i + 1 < levels; i++)
            {
                var (gain, noise) = OneStep(model, SamplerNames.Get(name), sigmas[i], sigmas[i + 1]);
                variance = (gain * gain * variance) + (noise * noise);
            }

            // The figures have three digits.
            Assert.Equal(expected, (variance / (0.25 + (0.02 * 0.02))) - 1, 0.005 * Math.Abs(expected));
        }
    }

    [Fact]
    public void NamesOfOneStepAgree()
    {
        // Levels of the linear process: DDPM's posterior, DDIM with eta 1, Euler ancestral and SDE-DPM-Solver++(1) are one map.
        var process = DiscreteProcess.Linear();
        foreach (var (i, j) in new[] { (999, 998), (500, 499), (500, 400) })
        {
            var (s, next) = (process.Sigmas[i], process.Sigmas[j]);
            var (ab, abNext) = (process.SignalShares[i], process.SignalShares[j]);
            var (y, denoised, z) = (1.7 * s, 0.4, OneNoise(s, next));

            // The posterior of DDPM: mean and "fixed small" variance for a step from ab to ab'.
            var beta = 1 - (ab / abNext);
            var x = Math.Sqrt(ab) * y;
            var mean = (Math.Sqrt(abNext) * beta / (1 - ab) * denoised) + (Math.Sqrt(1 - beta) * (1 - abNext) / (1 - ab) * x);
            var small = (mean + (Math.Sqrt(beta * (1 - abNext) / (1 - ab)) * z)) / Math.Sqrt(abNext);
            var large = (mean + (Math.Sqrt(beta) * z)) / Math.Sqrt(abNext);

            Same(small, Step("ddpm"));
            Same(small, Step("euler_a"));
            Same(large, Step("ddpm_large"));

            // The first step of the multistep sampler with eta is SDE-DPM-Solver++(1).
            Same(small, Step("dpm++2m_sde"));

            // DDIM in its own coordinates.
            var eps = (y - denoised) / s;
            Same(((Math.Sqrt(abNext) * denoised) + (Math.Sqrt(1 - abNext) * eps)) / Math.Sqrt(abNext), Step("ddim"));
            Same(Step("ddim"), Step("dpm++2m"));
            const double Eta = 0.6;
            var c = Eta * Math.Sqrt((1 - abNext) / (1 - ab) * (1 - (ab / abNext)));
            Same(((Math.Sqrt(abNext) * denoised) + (Math.Sqrt(1 - abNext - (c * c)) * eps) + (c * z)) / Math.Sqrt(abNext),
                Run(SamplerNames.Get("ddim") with { Eta = Eta }));

            // A flow's Euler step at the times with these sigmas.
            var (time, timeNext) = (s / (1 + s), next / (1 + next));
            var state = (1 - time) * y;
            Same((state + ((timeNext - time) * (eps - denoised))) / (1 - timeNext), Step("rectified_flow"));

            double Step(string name) => Run(SamplerNames.Get(name));

            double Run(SamplerOptions options)
            {
                double[] batch = [y];
                new SamplerStep<double>(new Constant(denoised), options, 1).Run(batch, s, next, new StepHistory<double>(1));
                return batch[0];
            }
        }

        static void Same(double expected, double actual) => Assert.Equal(expected, actual, 1e-12 * Math.Max(1, Math.Abs(expected)));
    }

    [Fact]
    public void EverySamplerEndsInTheDenoisedPointAndReachesItsLaw()
    {
        foreach (var name in SamplerNames.All)
        {
            var sampler = new DiffusionSampler<double>(Two, SamplerNames.Get(name), NoiseSchedule.ToZero(NoiseSchedule.Karras(80, 0.02, 60)));
            var y = new double[2000];
            sampler.Sample(y, seed: 5);
            Assert.All(y, v => Assert.True(double.IsFinite(v)));
            var mean = y.Average();
            var square = y.Average(v => v * v);

            // E x = 0 and E x^2 = 4.25 with standard errors 0.046 and 0.046; 60 steps bias the square by less than 0.35 with any of them but those that
            // follow the data's variance at all levels anew.
            Assert.InRange(mean, -4 * 0.046, 4 * 0.046);
            Assert.InRange(square, 4.25 - 0.55, 4.25 + 0.55);
        }
    }

    [Fact]
    public void NoiseDependsOnSeedSampleAndIntervalAlone()
    {
        var options = SamplerNames.Get("euler_a");
        var sigmas = NoiseSchedule.Karras(10, 0.1, 6);
        var whole = new double[40];
        var sampler = new DiffusionSampler<double>(new GaussianMixture<double>([1], [0, 1], [0.25]), options, sigmas);
        sampler.Sample(whole, 9);
        var part = new double[10];
        sampler.Sample(part, 9, firstSample: 7);
        Assert.Equal(whole[14..24], part);

        // Another number of steps: the interval that both have draws the same.
        var (a, b) = (new double[4], new double[4]);
        SamplerNoise.Fill<double>(a, 2, 1, 0, 10, 5, NoisePurpose.Step);
        SamplerNoise.Fill<double>(b, 2, 1, 0, 10, 5, NoisePurpose.Step);
        Assert.Equal(a, b);
        SamplerNoise.Fill<double>(b, 2, 1, 0, 10, 4, NoisePurpose.Step);
        Assert.NotEqual(a, b);
    }

    [Fact]
    public void SamplingAllocatesNothing()
    {
        foreach (var name in new[] { "dpm++2m", "euler_a", "heun", "lms", "pc", "unipc3", "pndm", "deis", "dpm_adaptive" })
        {
            var sampler = new DiffusionSampler<double>(Two, SamplerNames.Get(name), NoiseSchedule.Karras(10, 0.1, 6));
            var y = new double[64];
            sampler.Sample(y, 1);
            var before = GC.GetAllocatedBytesForCurrentThread();
            sampler.Sample(y, 2);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    [Fact]
    public void ChurnAndCorrectionKeepTheLaw()
    {
        var churned = SamplerNames.Get("heun") with { Churn = new(40, 0.05, 50, 1) };
        var corrected = SamplerNames.Get("reverse_sde") with { Corrector = new(0.16, 2) };
        foreach (var options in new[] { churned, corrected })
        {
            var sampler = new DiffusionSampler<double>(Two, options, NoiseSchedule.Karras(80, 0.02, 100));
            var y = new double[4000];
            sampler.Sample(y, 3);
            Assert.InRange(y.Average(v => v * v), 4.25 - 0.3, 4.25 + 0.3);
        }
    }

    [Fact]
    public void EvaluationsAreReported()
    {
        var sigmas = NoiseSchedule.ToZero(NoiseSchedule.Karras(80, 0.002, 18));
        Assert.Equal(35, new DiffusionSampler<double>(Two, SamplerNames.Get("heun"), sigmas).Evaluations);
        Assert.Equal(18, new DiffusionSampler<double>(Two, SamplerNames.Get("dpm++2m"), sigmas).Evaluations);
        foreach (var name in new[] { "pndm", "unipc", "heun", "dpm_adaptive" })
        {
            var counting = new Function((_, _) => 0);
            var sampler = new DiffusionSampler<double>(counting, SamplerNames.Get(name), sigmas);
            sampler.Sample(new double[3], 1);
            Assert.Equal(counting.Evaluations, sampler.Evaluations);
        }
    }

    [Fact]
    public void GuidanceWorksInItsIntervalAndKeepsDeviations()
    {
        var (with, without) = (new Constant(3, 2), new Constant(1, 2));
        Assert.Equal(5, Denoised(new GuidedDenoiser<double>(with, without, 2), 1)[0]);
        Assert.Equal(3, Denoised(new GuidedDenoiser<double>(with, without, 2, from: 2), 1)[0]);
        Assert.Equal(3, Denoised(new GuidedDenoiser<double>(with, without, 2, to: 0.5), 1)[0]);
        Assert.Throws<ArgumentException>(() => new GuidedDenoiser<double>(with, new Constant(1), 2));

        // D_c = (3, 4), D_u = (1, 4): guided (5, 4), whose deviation is that of D_c already.
        var guided = Denoised(new GuidedDenoiser<double>(new Pair(3, 4), new Pair(1, 4), 4, rescale: 1), 1);
        Assert.Equal(0.5, Math.Abs(guided[0] - guided[1]) / 2, 1e-12);

        static double[] Denoised(IDenoiser<double> denoiser, double sigma)
        {
            var result = new double[2];
            denoiser.Denoise(new double[2], sigma, result);
            return result;
        }
    }

    [Fact]
    public void BadListsAndOptionsAreNamed()
    {
        Assert.Contains("number 2 is 3 after 2", Problem(SamplerNames.Get("euler"), [5, 2, 3]), StringComparison.Ordinal);
        Assert.Contains("at least two sigmas", Problem(SamplerNames.Get("euler"), [5]), StringComparison.Ordinal);
        Assert.Contains("number 1 is NaN", Problem(SamplerNames.Get("euler"), [5, double.NaN]), StringComparison.Ordinal);
        Assert.Contains("no form with eta", Problem(SamplerNames.Get("heun") with { Eta = 1 }, [5, 2]), StringComparison.Ordinal);
        Assert.Contains("no noise may come between", Problem(SamplerNames.Get("unipc") with { Churn = new(1) }, [5, 2]), StringComparison.Ordinal);
        Assert.Contains("order 2 or 3, not 4", Problem(SamplerNames.Get("dpm++2m") with { Order = 4 }, [5, 2]), StringComparison.Ordinal);
        Assert.Contains("no sampler 'dpm+2m'", Assert.Throws<ArgumentException>(() => SamplerNames.Get("dpm+2m")).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentException>(() => NoiseSchedule.Karras(1, 2, 5));
        Assert.ThrowsAny<ArgumentException>(() => NoiseSchedule.Karras(2, 1, 0));

        static string Problem(SamplerOptions options, double[] sigmas) => Assert.Throws<ArgumentException>(() => new DiffusionSampler<double>(Two, options, sigmas)).Message;
    }

    private static double Error(string name, int steps)
    {
        var y = (double[])Starts.Clone();
        new DiffusionSampler<double>(Two, SamplerNames.Get(name), NoiseSchedule.Karras(10, 0.1, steps + 1)).Continue(y, 0);
        var exact = Exact.Value;
        return Math.Sqrt(y.Zip(exact, (a, b) => (a - b) * (a - b)).Average());
    }

    // Runge and Kutta's fourth order, 1000 steps: error 1e-11.
    private static readonly Lazy<double[]> Exact = new(() =>
    {
        var y = (double[])Starts.Clone();
        var sigmas = NoiseSchedule.Karras(10, 0.1, 1001);
        var denoised = new double[1];
        for (var i = 0; i < y.Length; i++)
        {
            for (var k = 0; k + 1 < sigmas.Length; k++)
            {
                var (s, h) = (sigmas[k], sigmas[k + 1] - sigmas[k]);
                var k1 = Slope(y[i], s);
                var k2 = Slope(y[i] + (h / 2 * k1), s + (h / 2));
                var k3 = Slope(y[i] + (h / 2 * k2), s + (h / 2));
                var k4 = Slope(y[i] + (h * k3), s + h);
                y[i] += h / 6 * (k1 + (2 * k2) + (2 * k3) + k4);
            }
        }

        return y;

        double Slope(double x, double s)
        {
            Two.Denoise([x], s, denoised);
            return (x - denoised[0]) / s;
        }
    });

    private static double OneNoise(double from, double to)
    {
        var noise = new double[1];
        SamplerNoise.Fill<double>(noise, 1, 0, 0, from, to, NoisePurpose.Step);
        return noise[0];
    }

    private static (double Gain, double Noise) OneStep(IDenoiser<double> model, SamplerOptions options, double sigma, double next)
    {
        double[] y = [0];
        var step = new SamplerStep<double>(model, options, 1);
        step.Run(y, sigma, next, new StepHistory<double>(1));
        var noise = y[0];
        y[0] = 1;
        step.Run(y, sigma, next, new StepHistory<double>(1));
        return (y[0] - noise, noise / OneNoise(sigma, next));
    }

    // Gauss and Legendre's rule of two points on many pieces of log sigma: error below 1e-12.
    private static double Integral(Func<double, double> f, double from, double to)
    {
        const int Pieces = 4000;
        var (sum, start, h) = (0.0, Math.Log(from), (Math.Log(to) - Math.Log(from)) / Pieces);
        for (var i = 0; i < 2 * Pieces; i++)
        {
            var s = Math.Exp(start + (h * ((i / 2) + 0.5 + ((i % 2 == 0 ? -0.5 : 0.5) / Math.Sqrt(3)))));
            sum += h / 2 * s * f(s);
        }

        return sum;
    }

    private sealed class Function(Func<double, double, double> f) : IDenoiser<double>
    {
        public int Dimensions => 1;

        public int Evaluations { get; private set; }

        public void Denoise(ReadOnlySpan<double> y, double sigma, Span<double> denoised)
        {
            Evaluations++;
            for (var i = 0; i < y.Length; i++)
            {
                denoised[i] = f(y[i], sigma);
            }
        }
    }

    private sealed class Constant(double value, int dimensions = 1) : IDenoiser<double>
    {
        public int Dimensions => dimensions;

        public void Denoise(ReadOnlySpan<double> y, double sigma, Span<double> denoised) => denoised.Fill(value);
    }

    private sealed class Pair(double first, double second) : IDenoiser<double>
    {
        public int Dimensions => 2;

        public void Denoise(ReadOnlySpan<double> y, double sigma, Span<double> denoised) => (denoised[0], denoised[1]) = (first, second);
    }
}
