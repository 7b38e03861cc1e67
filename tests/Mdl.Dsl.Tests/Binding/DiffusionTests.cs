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
    [InlineData("score mixture(weights: [1], means: [0], variances: [1]); stop minimax(2);", "2:63 MDL0140 `minimax` is a time for a kernel score: a mixture is exact and stops at zero")]
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
    [InlineData("score network(F);", "2:7 MDL0007 `score network(..)` is not supported yet; there are `kernel` and `mixture`")]
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
    [InlineData("diffusion D(x: [N, d], y: [N]) { score kernel(a); }", "1:13 MDL0140 a diffusion takes one batch of samples, such as `x: [N, d]`, and returns such")]
    [InlineData("diffusion D(x: [N, 0]) { score kernel(a); }", "1:20 MDL0140 the size of a sample is an integer of 1 or more, but `0` is not")]
    [InlineData("diffusion D(x: [N, 3]) { score mixture(weights: [1], means: [0, 0], variances: [1]); }", "1:13 MDL0140 a sample has 3 coordinates, but the means of the mixture have 2")]
    [InlineData("diffusion D(x: [N, d]) { score kernel(a); }\ndiffusion D(x: [N, d]) { score kernel(a); }", "2:11 MDL0101 the file makes a class `D` already")]
    public void HeadsAreChecked(string text, string expected) => Assert.Equal([expected], Bound.File(text).Lines(text));
}
