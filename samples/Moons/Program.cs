using System.CommandLine;
using System.Diagnostics;
using Mdl.Runtime.Diffusion.Sampling;
using Moons;
using Moons.Sample;

var points = new Option<int>("--points") { Description = "How many data the score is estimated from", DefaultValueFactory = _ => 4000 };
var samples = new Option<int>("--samples") { Description = "How many samples are drawn", DefaultValueFactory = _ => 2000 };
var seed = new Option<long>("--seed") { Description = "The seed of data and noise", DefaultValueFactory = _ => 1 };
var output = new Option<string>("--out") { Description = "The folder that the picture goes to", DefaultValueFactory = _ => "out" };
foreach (var count in new[] { points, samples })
{
    count.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < 2)
        {
            result.AddError($"{result.Option.Name} must be at least 2.");
        }
    });
}

var command = new RootCommand("Draws samples like given points in the plane, by a kernel score.") { points, samples, seed, output };
command.SetAction(parsed => Run(parsed.GetValue(points), parsed.GetValue(samples), (ulong)parsed.GetValue(seed), parsed.GetValue(output)!));
return command.Parse(args).Invoke();

static void Run(int points, int samples, ulong seed, string output)
{
    var data = TwoMoons.Draw(points, seed);
    var moons = new KernelMoons(data);
    Console.WriteLine(moons.Stop);

    var frames = new FramePlot();
    Draw("reverse SDE", moons.CreateReverseSde());
    Draw("DPM++(2M)", moons.CreateDpmPlusPlus2M());
    Directory.CreateDirectory(output);
    var path = Path.Combine(output, "moons.png");
    frames.Save(path, columns: 6);
    Console.WriteLine($"wrote {path}");

    void Draw(string name, DiffusionSampler<float> sampler)
    {
        // Five moments that are evenly spaced in log sigma, the last one after the last step.
        const int Moments = 5;
        var steps = sampler.Sigmas.Count - 1;
        var shown = Enumerable.Range(1, Moments).Select(i => i * steps / Moments).ToHashSet();
        var batch = new float[2 * samples];
        var watch = Stopwatch.StartNew();
        sampler.Sample(batch, seed, afterStep: (step, sigma, y) =>
        {
            if (shown.Contains(step))
            {
                frames.Add($"{name}, {FramePlot.Level(sigma)}", y);
            }
        });
        Console.WriteLine($"{name}: {samples} samples in {steps} steps, {watch.Elapsed.TotalSeconds:F2} s");
        frames.Add($"{points} data", data, isData: true);
    }
}
