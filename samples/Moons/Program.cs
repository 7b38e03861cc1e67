using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Mdl.Runtime.Diffusion.Sampling;
using Mdl.Runtime.RandomNumbers;
using Moons;
using Moons.Sample;

const int Batch = 512;
var points = new Option<int>("--points") { Description = "How many data the score is estimated from", DefaultValueFactory = _ => 4000 };
var samples = new Option<int>("--samples") { Description = "How many samples are drawn", DefaultValueFactory = _ => 2000 };
var seed = new Option<long>("--seed") { Description = "The seed of data and noise", DefaultValueFactory = _ => 1 };
var steps = new Option<int>("--steps") { Description = "Steps of training the network; 0 leaves it out", DefaultValueFactory = _ => 2000 };
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

steps.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 0)
    {
        result.AddError("--steps must be at least 0.");
    }
});

var command = new RootCommand("Draws samples like given points in the plane, by a kernel score and by a learned one.") { points, samples, steps, seed, output };
command.SetAction(parsed => Run(parsed.GetValue(points), parsed.GetValue(samples), parsed.GetValue(steps), (ulong)parsed.GetValue(seed), parsed.GetValue(output)!));
return command.Parse(args).Invoke();

static void Run(int points, int samples, int steps, ulong seed, string output)
{
    var data = TwoMoons.Draw(points, seed);
    var moons = new KernelMoons(data);
    Console.WriteLine(moons.Stop);

    var trajectories = new List<Trajectory>();
    Draw("kernel, reverse SDE", moons.CreateReverseSde());
    Draw("kernel, DPM++(2M)", moons.CreateDpmPlusPlus2M());
    if (steps > 0)
    {
        using var learned = LearnedMoons.Create(seed: seed);
        using var trainer = learned.CreateTrainer(new() { Batch = Batch, Steps = steps, Seed = seed });
        Train(trainer, data, steps, seed);
        Draw("learned, Heun", trainer.Average.CreateHeun());
        Draw("learned, DPM++(2M)", trainer.Average.CreateDpmPlusPlus2M());
    }

    Directory.CreateDirectory(output);
    var (strips, animation) = (Path.Combine(output, "moons.png"), Path.Combine(output, "moving-moons.png"));
    FramePlot.SaveStrips(strips, trajectories, data);
    FramePlot.SaveAnimation(animation, trajectories);
    Console.WriteLine($"wrote {strips} and {animation}");

    static void Train(LearnedMoons.Trainer trainer, float[] data, int steps, ulong seed)
    {
        var watch = Stopwatch.StartNew();
        var batch = new float[2 * Batch];
        var loss = 0.0;
        for (var step = 0; step < steps; step++)
        {
            var philox = new Philox(seed, (ulong)step);
            for (var i = 0; i < Batch; i++)
            {
                data.AsSpan(2 * (int)philox.Below((ulong)i, data.Length / 2), 2).CopyTo(batch.AsSpan(2 * i));
            }

            loss += trainer.Step(batch).Loss;
            if ((step + 1) % 500 == 0 || step + 1 == steps)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {step + 1}/{steps}: mean loss {loss / ((step % 500) + 1):F4}, {watch.Elapsed.TotalSeconds:F1} s"));
                loss = 0;
            }
        }
    }

    void Draw(string name, DiffusionSampler<float> sampler)
    {
        var watch = Stopwatch.StartNew();
        trajectories.Add(new(name, sampler, samples, seed));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {samples} samples in {trajectories[^1].Steps} steps, {watch.Elapsed.TotalSeconds:F2} s"));
    }
}
