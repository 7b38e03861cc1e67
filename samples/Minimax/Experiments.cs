using System.Globalization;
using Mdl.Runtime.Diffusion.Kernel;
using Mdl.Runtime.Diffusion.Sampling;
using Minimax.Sample.Measures;

namespace Minimax.Sample;

/// <summary>What is measured; each experiment tells its progress from 0 to 1.</summary>
internal static class Experiments
{
    private static readonly (string Name, KernelTail Tail)[] Tails =
        [("hard", KernelTail.Threshold()), ("none", KernelTail.None), ("max", KernelTail.Max()), ("gaussian", KernelTail.Gaussian())];

    /// <summary>n times the error of the plain estimator beside its limit C(t).</summary>
    public static string[][] Constants(double effort, int seed, Action<double> progress)
    {
        const int Count = 3000;
        (Target Target, double Time)[] cases = [(Target.M1, 0.3), (Target.M1, 1), (Target.M1, 3), (Target.M1, 10), (Target.M2, 1), (Target.M2, 3), (Target.M2, 10)];
        return [.. cases.Select((c, i) =>
        {
            var (target, t) = c;
            var sets = Sets(effort, target.Dimensions == 1 ? 600 : 300);
            var (mean, error) = Fit.Mean(ScoreError.Measure(target, t, Count, sets, KernelTail.None, seed));
            var limit = ScoreError.Limit(target, t);
            progress((i + 1.0) / cases.Length);
            var deviation = (mean * Count / limit - 1) / (error * Count / limit);
            return new[] { target.Name, Text(t), $"{Text(mean * Count)} +- {Text(error * Count)}", Text(limit), Text(mean * Count / limit), deviation.ToString("+0.0;-0.0", CultureInfo.InvariantCulture) };
        })];
    }

    /// <summary>Errors of the score for each tail, targets, times and numbers of data.</summary>
    public static string[][] Errors(double effort, int seed, Action<double> progress)
    {
        (Target Target, double Time, int[] Counts)[] cases =
        [
            .. new[] { 0.003, 0.01, 0.1, 1, 10 }.Select(t => (Target.M1, t, new[] { 1000, 10_000, 30_000 })),
            .. new[] { 0.03, 0.1, 1 }.Select(t => (Target.M2, t, new[] { 1000, 10_000, 30_000 })),
            (Target.U1, 1e-4, [1000, 10_000, 100_000]), (Target.U2, 1e-3, [1000, 10_000, 100_000]),
        ];
        return [.. cases.Select((c, i) =>
        {
            var sets = Sets(effort, c.Target.Dimensions == 1 ? 20 : 6);
            string[] row =
            [
                c.Target.Name, Text(c.Time), string.Join(" / ", c.Counts.Select(n => n.ToString(CultureInfo.InvariantCulture))),
                .. Tails.Select(tail => string.Join(" / ", c.Counts.Select(n => Text(ScoreError.Measure(c.Target, c.Time, n, sets, tail.Tail, seed).Average())))),
            ];
            progress((i + 1.0) / cases.Length);
            return row;
        })];
    }

    /// <summary>How the error of the score falls with n and rises with small t.</summary>
    public static Curve[] ErrorSlopes(double effort, int seed, Action<double> progress)
    {
        (Target Target, double Time, int[] Counts)[] overCounts =
            [
                (Target.M1, 0.1, [1000, 3000, 10_000, 30_000]), (Target.M2, 0.1, [1000, 3000, 10_000, 30_000]), (Target.U1, 1e-3, [1000, 3000, 10_000, 30_000]),
                (Target.U2, 3e-3, [1000, 3000, 10_000, 30_000]),
            ];
        (Target Target, int Count, double[] Times, double Theory)[] overTimes =
            [(Target.U1, 30_000, [1e-4, 3e-4, 1e-3, 3e-3], -1.5), (Target.U2, 100_000, [3e-4, 1e-3, 3e-3, 1e-2], -2), (Target.U1, 3000, [1, 3, 10], -2)];
        var all = overCounts.Length + overTimes.Length;
        var curves = new List<Curve>();
        foreach (var (target, time, counts) in overCounts)
        {
            curves.Add(new($"{target.Name}, t = {Text(time)}", "n", [.. counts.Select(n => ((double)n, Mean(target, time, n)))], -1));
            progress((double)curves.Count / all);
        }

        foreach (var (target, count, times, theory) in overTimes)
        {
            curves.Add(new($"{target.Name}, n = {count}", "t", [.. times.Select(t => (t, Mean(target, t, count)))], theory));
            progress((double)curves.Count / all);
        }

        return [.. curves];

        double Mean(Target target, double time, int count) =>
            ScoreError.Measure(target, time, count, Sets(effort, target.Dimensions == 1 ? 20 : 6), KernelTail.None, seed).Average();
    }

    /// <summary>Distances in total variation: to the law with noise over n and t0, and to the law itself at the minimax time.</summary>
    public static Curve[] Distances(double effort, int seed, Action<double> progress)
    {
        int[] counts = [1000, 3000, 10_000, 30_000, 100_000];
        (Target Target, double Smoothness, string Name)[] rates =
            [(Target.M1, 2, "M1, beta = 2"), (Target.Laplace, 1.5, "Laplace, beta = 1.5"), (Target.U1, 0.5, "uniform, beta = 0.5"), (Target.M2, 2, "M2, beta = 2")];
        var curves = new List<Curve>
        {
            new("M1 to p_t0, t0 = 0.01", "n", [.. new[] { 300, 1000, 3000, 10_000, 30_000 }.Select(n => ((double)n, TotalVariation.Measure(Target.M1, 0.01, n, Sets(effort, 20), seed).ToNoisy))], -0.5),
            new("M2 to p_t0, t0 = 0.1", "n", [.. new[] { 300, 1000, 3000, 10_000 }.Select(n => ((double)n, TotalVariation.Measure(Target.M2, 0.1, n, Sets(effort, 10), seed).ToNoisy))], -0.5),
            new("M1 to p_t0, n = 10000", "t", [.. new[] { 3e-4, 1e-3, 3e-3, 1e-2, 3e-2 }.Select(t => (t, TotalVariation.Measure(Target.M1, t, 10_000, Sets(effort, 20), seed).ToNoisy))], -0.25),
        };
        var before = curves.Count;
        progress(0.2);
        foreach (var (target, smoothness, name) in rates)
        {
            var sizes = target.Dimensions == 1 ? counts : counts[..4];
            curves.Add(new(name, "n", [.. sizes.Select(n =>
            {
                // In the unit of the theorem: the data's own variance does not change the slope.
                var stop = new MinimaxStop(smoothness, n, target.Dimensions, 1);
                return ((double)n, TotalVariation.Measure(target, stop.StopTime, n, Sets(effort, target.Dimensions == 1 ? 10 : 4), seed).ToClean);
            })], -smoothness / ((2 * smoothness) + target.Dimensions)));
            progress(0.2 + (0.8 * (curves.Count - before) / rates.Length));
        }

        return [.. curves];
    }

    public static string Text(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    private static int Sets(double effort, int sets) => Math.Max(2, (int)Math.Round(effort * sets));
}
