using Mdl.Dsl.Binding;

namespace Mdl.Dsl.Tests.Binding;

public class DiffusionTests
{
    // The lines under test stand in line 2.
    private static string Text(string lines) => $"diffusion D(x: [N, d]) {{\n{lines}\n}}\n";

    private static BoundDiffusion Diffusion(string lines)
    {
        var compilation = Bound.File(Text(lines));
        Assert.Empty(compilation.Diagnostics);
        return Assert.Single(compilation.Diffusions);
    }

    [Fact]
    public void SilentLinesHaveDefaults()
    {
        var kernel = Diffusion("score kernel(points);");
        Assert.Equal(("points", "gaussian", 1), (kernel.Score.Data, kernel.Score.Tail, kernel.Score.TailWeight));
        Assert.Equal(new BoundStop("minimax", 2, false), kernel.Stop);
        Assert.Equal("geometric", kernel.Schedule.Kind);
        Assert.Equal(new BoundSampler("dpm++2m", 18, new("Multistep"), [], []), Assert.Single(kernel.Samplers));
        Assert.Equal("ve", kernel.Process.Kind);

        var mixture = Diffusion("score mixture(weights: [1, 1], means: [[-2, 0], [2, 0]], variances: [0.25, 0.25]);");
        Assert.Equal(2, mixture.Dimensions);
        Assert.Equal([-2, 0, 2, 0], mixture.Score.Means);
        Assert.Equal(("zero", "karras", 7), (mixture.Stop.Kind, mixture.Schedule.Kind, mixture.Schedule.Parameter));

        Assert.Equal(("shifted", 1), (Diffusion("process flow; score kernel(p); stop zero;").Schedule.Kind, Diffusion("process flow; score kernel(p); stop zero;").Schedule.Parameter));
    }

    [Fact]
    public void SamplersAreNamedOrMadeOfWords()
    {
        var samplers = Diffusion(
            "score kernel(x); sampler dpm++2s_a(steps: 7); sampler heun(steps: 9) churn(40, 0.05, 50, 1.003); sampler order 3 multistep in lambda eta 0.5 steps 4; "
            + "sampler order 4 multistep in sigma; sampler order 2 singlestep in sigma; sampler reverse_sde(steps: 3) correct langevin(0.16, 2); sampler pc;").Samplers;
        Assert.Equal(["dpm++2s_a", "heun", "order3_multistep", "order4_multistep_sigma", "order2_singlestep_sigma", "reverse_sde", "pc"], samplers.Select(s => s.Name));
        Assert.Equal([7, 9, 4, 18, 18, 3, 18], samplers.Select(s => s.Steps));
        Assert.Equal(["Singlestep", "Heun", "Multistep", "LinearMultistep", "Heun", "EulerMaruyama", "EulerMaruyama"], samplers.Select(s => s.Rule.Method));
        Assert.Equal(1, samplers[0].Rule.Eta);
        Assert.Equal([40, 0.05, 50, 1.003], samplers[1].Churn);
        Assert.Equal(new SamplerRule("Multistep", 3, 0.5), samplers[2].Rule);
        Assert.Equal([0.16, 2], samplers[5].Corrector);
        Assert.Equal([0.16, 1], samplers[6].Corrector);
    }

    [Theory]
    [InlineData("score kernel(x); process vp(linear);", "linear", new[] { 1e-4, 0.02, 1000 })]
    [InlineData("score kernel(x); process vp(scaled, 0.001, 0.01);", "scaled", new[] { 0.001, 0.01, 1000 })]
    [InlineData("score kernel(x); process vp(cosine, steps: 500);", "cosine", new[] { 500.0 })]
    [InlineData("score kernel(x); process vp(continuous);", "continuous", new[] { 0.1, 20 })]
    [InlineData("score kernel(x); process subvp;", "subvp", new[] { 0.1, 20 })]
    public void ProcessesHaveTheirPublishedNumbers(string lines, string kind, double[] numbers)
    {
        var process = Diffusion(lines).Process;
        Assert.Equal(kind, process.Kind);
        Assert.Equal(numbers, process.Numbers);
    }

    [Theory]
    [InlineData("score kernel(x); stop minimax(beta: 3);", "2:23 MDL0140 no rate is promised for a smoothness above 2, where a normal kernel gains nothing, unless the last step is denoised: `stop minimax(beta: 3) denoise`")]
    [InlineData("score kernel(x); stop minimax(beta: 0);", "2:23 MDL0140 the smoothness beta is above 0 and finite, but `minimax(beta: 0)` is not")]
    [InlineData("score mixture(weights: [1], means: [0], variances: [1]); stop minimax(2);", "2:63 MDL0140 `minimax` is a time for a kernel score; others stop at zero or at a sigma")]
    [InlineData("score kernel(x); stop minimax(2); schedule karras from 80 to 1;", "2:35 MDL0140 `stop minimax` decides where noise levels begin and end; leave `from` and `to` out, and take karras, geometric, polyexponential or linear")]
    [InlineData("score kernel(x); stop sigma 0.1; schedule karras from 80 to 1;", "2:23 MDL0140 the schedule says already where noise levels end")]
    [InlineData("score kernel(x); schedule sigmas[3, 2, 2];", "2:40 MDL0140 sigmas fall and are not negative, but `2` is not below the one before")]
    [InlineData("score kernel(x); schedule sigmas[3];", "2:27 MDL0140 a list of sigmas has at least two, for one step")]
    [InlineData("score kernel(x); schedule sigmas[3, 1]; sampler euler(steps: 4);", "2:41 MDL0140 the list of sigmas has 1 steps; leave `steps` out")]
    [InlineData("score kernel(x); schedule karras from 1 to 2;", "2:18 MDL0140 sigmas fall: `from` must be above `to`")]
    [InlineData("score kernel(x); schedule index(trailing); stop zero;", "2:27 MDL0140 `index` chooses among the steps of `process vp(linear)`, `vp(scaled)` or `vp(cosine)`")]
    [InlineData("score kernel(x); schedule shifted(3); stop zero;", "2:27 MDL0140 `shifted` shifts the time of `process flow`")]
    [InlineData("score kernel(x); schedule karas;", "2:27 MDL0140 `karas` is not known here; there are karras, geometric, polyexponential, linear, index, shifted, sigmas; did you mean `karras`?")]
    [InlineData("score kernel(x); sampler heun(steps: 0);", "2:31 MDL0140 the number of steps is at least 1 and at most 1000000, but `steps: 0` is not")]
    [InlineData("score kernel(x); sampler heun(eta: 1);", "2:18 MDL0140 `heun` has no form with eta; use churn for noise")]
    [InlineData("score kernel(x); sampler unipc(eta: 1);", "2:18 MDL0140 `unipc` has no form with eta")]
    [InlineData("score kernel(x); sampler dpm_adaptive churn(1);", "2:18 MDL0140 `dpm_adaptive` compares a step with what it came from: it takes neither `churn` nor `correct`")]
    [InlineData("score kernel(x); sampler ddim(eta: 2);", "2:31 MDL0140 eta is at least 0 and at most 1, but `eta: 2` is not")]
    [InlineData("score kernel(x); sampler ddpm_large;", "2:26 MDL0140 `ddpm_large` has the variance of a step of a process that preserves variance, such as `vp(linear)`")]
    [InlineData("score kernel(x); sampler order 3 singlestep;", "2:18 MDL0140 singlestep samplers have order 1 or 2")]
    [InlineData("score kernel(x); sampler heun; sampler heun;", "2:40 MDL0140 there is a sampler `heun` already")]
    [InlineData("score kernel(x); guidance cfg(2);", "2:27 MDL0140 only a network with a condition can be guided; a kernel or a mixture has `guidance none`")]
    [InlineData("score kernel(x); train { average: ema(0.9); }", "2:18 MDL0140 `train` belongs to `score network(..)`; a kernel or a mixture has nothing to train")]
    [InlineData("score kernel(x, tail: gaussian(0));", "2:23 MDL0140 the weight of the tail is above 0 and finite, but `gaussian(0)` is not")]
    [InlineData("score kernel(x, tail: gausian);", "2:23 MDL0140 `gausian` is not known here; there are gaussian, threshold, max, none; did you mean `gaussian`?")]
    [InlineData("score kernel;", "2:7 MDL0140 `kernel` needs a name for its data, such as `kernel(data)`")]
    [InlineData("score mixture(weights: [1, 1], means: [0], variances: [1, 1]);", "2:7 MDL0140 2 weights above 0 need as many variances of 0 or more, and means of one size; there are 2 variances and 1 coordinates")]
    [InlineData("sampler heun;", "1:11 MDL0140 `D` needs a score, such as `score kernel(data);`")]
    [InlineData("score kernel(x); score kernel(x);", "2:18 MDL0140 `score` is given twice")]
    [InlineData("score kernel(x); steps 4;", "2:18 MDL0140 `diffusion` has no setting `steps`")]
    [InlineData("score kernel(x); process vp;", "2:26 MDL0140 `vp` needs its betas: vp(linear), vp(scaled), vp(cosine) or vp(continuous)")]
    [InlineData("score kernel(x); process vp(linear, 0.5, 0.1);", "2:26 MDL0140 the last beta is at least 0.5 and at most 1, but `vp(linear, 0.5, 0.1)` is not")]
    public void WhatMakesNoSenseIsSaidAtItsPlace(string lines, string expected)
    {
        var text = Text(lines);
        var compilation = Bound.File(text);
        Assert.Equal([expected], compilation.Lines(text));
        Assert.Empty(compilation.Diffusions);
    }

    [Theory]
    [InlineData("diffusion D(x: [N, d], y: [N]) { score kernel(a); }", "1:13 MDL0140 a diffusion takes one batch of samples, such as `x: [N, d]`, and perhaps a condition, such as `label: int[N]`; it returns such samples")]
    [InlineData("diffusion D(x: [N, d], y: int[N]) { score kernel(a); }", "1:24 MDL0140 a kernel or a mixture takes samples of one axis, `x: [N, d]`, and nothing else")]
    [InlineData("diffusion D(x: [N, 4, 4]) { score kernel(a); }", "1:13 MDL0140 a kernel or a mixture takes samples of one axis, `x: [N, d]`, and nothing else")]
    [InlineData("diffusion D(x: [N, 0]) { score kernel(a); }", "1:20 MDL0140 the size of a sample is an integer of 1 or more, but `0` is not")]
    [InlineData("diffusion D(x: [N, 3]) { score mixture(weights: [1], means: [0, 0], variances: [1]); }", "1:13 MDL0140 a sample has 3 coordinates, but the means of the mixture have 2")]
    [InlineData("diffusion D(x: [N, d]) { score kernel(a); }\ndiffusion D(x: [N, d]) { score kernel(a); }", "2:11 MDL0101 the file makes a class `D` already")]
    public void HeadsAreChecked(string text, string expected) => Assert.Equal([expected], Bound.File(text).Lines(text));

    private const string Net = "block F(x: [N, d], noise: [N]; width = 4) -> [N, d] { let up = Linear(d, width); let down = Linear(width, d); return down(up(x) + reshape(noise, [N, 1])); }\n"
        + "block G(x: [N, d], noise: [N], label: int[N]) -> [N, d] { let e = Embedding(11, d); return x * reshape(noise, [N, 1]) + e(label); }\n"
        + "block Narrow(x: [N, d], noise: [N]) -> [N, 1] { let a = Linear(d, 1); return a(x) * reshape(noise, [N, 1]); }\n";

    [Fact]
    public void ANetworkIsBoundWithItsTraining()
    {
        var compilation = Bound.File(Net + "diffusion D(x: [N, 3], label: int[N]) { process vp(cosine); score network(G(), predicts: v); condition label(10, drop: 0.2); guidance cfg(2, from: 0.1, to: 4); "
            + "train { noise: lognormal(-1, 2); weight: min_snr(3); optimizer: adamw(lr: 1e-3); average: ema(0.9); } }");
        Assert.Empty(compilation.Diagnostics);
        var diffusion = compilation.Diffusions.Single();
        var network = diffusion.Score.Network!;
        Assert.Equal(("v", 10, "label", 0.2), (network.Predicts, network.Classes, network.Condition, network.Drop));
        Assert.Equal(("lognormal", "min_snr", 3, 0.9, 1e-3), (network.Training.Noise, network.Training.Weight, network.Training.WeightLimit, network.Training.Average, network.Training.Settings.LearningRate));
        Assert.Equal([-1, 2], network.Training.NoiseNumbers);
        Assert.Equal(new BoundGuidance(2, 0.1, 4, 0), diffusion.Guidance);
        Assert.Equal(["e.weight"], network.Model.Parameters.Select(p => p.Path));
        Assert.Equal(3, diffusion.Dimensions);
    }

    [Theory]
    [InlineData("x: [N, d]", "score network(F());", "4:13 MDL0140 a network needs the size of a sample at build time: each axis after the first is a number, as in `x: [N, 2]`")]
    [InlineData("x: [N, 2]", "score network(F(), predicts: v);", "5:7 MDL0140 `v` has a meaning in a process that preserves variance, such as `vp(cosine)`, not in `ve`")]
    [InlineData("x: [N, 2]", "score network(F(), predicts: flow);", "5:7 MDL0140 `flow` has a meaning in `process flow`, not in `ve`")]
    [InlineData("x: [N, 2]", "score network(F(), predicts: eps, precondition: edm);", "5:7 MDL0140 `precondition: edm` makes the network's output a denoised point, x0, whatever the noise; it cannot be `eps`")]
    [InlineData("x: [N, 2]", "score network(F(), predicts: noise);", "5:30 MDL0140 `noise` is not known here; there are x0, eps, v, score, flow")]
    [InlineData("x: [N, 2]", "score network(F(), precondition: edm(data: 0));", "5:34 MDL0140 the deviation of the data is above 0 and finite, but `edm(data: 0)` is not")]
    [InlineData("x: [N, 2]", "score network(F(), loss: 2);", "5:20 MDL0140 `network` takes its block, `predicts` and `precondition`, each once")]
    [InlineData("x: [N, 2]", "score network;", "5:7 MDL0140 `network` needs a block, such as `network(Denoiser(width: 128))`")]
    [InlineData("x: [N, 2]", "score network(F);", "5:15 MDL0108 `network` takes a block with its arguments, such as `Denoiser(width: 128)`, but `F` is the block `F`")]
    [InlineData("x: [N, 2]", "score network(Fe());", "5:15 MDL0100 no function or block is called `Fe`; did you mean `F`?")]
    [InlineData("x: [N, 2]", "score network(G());", "5:15 MDL0104 `G` takes 3 tensors (x, noise, label), not 2")]
    [InlineData("x: [N, 2]", "score network(Narrow());", "5:15 MDL0109 a network gives what it takes, [B, 2], but `Narrow` gives a tensor [B, 1]")]
    [InlineData("x: [N, 2]", "score network(F()); stop minimax(2);", "5:26 MDL0140 `minimax` is a time for a kernel score; others stop at zero or at a sigma")]
    [InlineData("x: [N, 2]", "score network(F()); train { noise: lognormal(0, 0); }", "5:36 MDL0140 the deviation is above 0 and at most 100, but `lognormal(0, 0)` is not")]
    [InlineData("x: [N, 2]", "score network(F()); train { noise: loguniform(2, 1); }", "5:36 MDL0140 the largest sigma is above 2 and finite, but `loguniform(2, 1)` is not")]
    [InlineData("x: [N, 2]", "score network(F()); train { average: ema(1); }", "5:38 MDL0140 the decay of the average is at least 0 and at most 0.9999999, but `ema(1)` is not")]
    [InlineData("x: [N, 2]", "score network(F()); train { weight: min_snr(0); }", "5:37 MDL0140 the limit of min_snr is above 0 and finite, but `min_snr(0)` is not")]
    [InlineData("x: [N, 2]", "score network(F(), predicts: x0); train { weight: edm; }", "5:51 MDL0140 `edm` is not known here; there are x0, eps, v, score, flow, min_snr")]
    [InlineData("x: [N, 2]", "score network(F()); train { rate: 2; }", "5:29 MDL0140 `train` has no setting `rate` here")]
    [InlineData("x: [N, 2]", "score network(F()); train { weight: x0; weight: x0; }", "5:41 MDL0140 `weight` is given twice")]
    [InlineData("x: [N, 2]", "score network(F()); guidance cfg(2);", "5:30 MDL0140 guidance needs a condition: an input such as `label: int[N]` and a line `condition label(10);`")]
    [InlineData("x: [N, 2]", "score network(F()); condition label(10);", "5:31 MDL0140 the condition is an input of the diffusion: `(x: [N, 2], label: int[N])`")]
    [InlineData("x: [N, 2], label: int[N]", "score network(G());", "4:24 MDL0140 how many classes has `label`? `condition label(10);` says so")]
    [InlineData("x: [N, 2], label: int[N]", "score network(G()); condition label(0);", "5:31 MDL0140 the number of classes is at least 1 and at most 16777216, but `label(0)` is not")]
    [InlineData("x: [N, 2], label: int[N]", "score network(G()); condition label(10, drop: 2);", "5:31 MDL0140 `drop`, a share of all samples, is at least 0 and at most 1, but `label(10, drop: 2)` is not")]
    [InlineData("x: [N, 2], label: int[N]", "score network(G()); condition label(10); guidance cfg(2, rescale: 2);", "5:51 MDL0140 `rescale` is at least 0 and at most 1, but `cfg(2, rescale: 2)` is not")]
    public void WhatANetworkCannotBeIsSaidAtItsPlace(string inputs, string lines, string expected)
    {
        var text = Net + $"diffusion D({inputs}) {{\n{lines} }}";
        var compilation = Bound.File(text);
        Assert.Equal([expected], compilation.Lines(text));
        Assert.Empty(compilation.Diffusions);
    }
}
