using System.Globalization;
using Minimax.Sample.Reports;
using Spectre.Console;

namespace Minimax.Sample;

/// <summary>Runs all experiments with a progress bar each, and writes the report.</summary>
internal sealed class Study(double effort, int seed, string folder)
{
    private readonly Document _report = new();

    public void Run()
    {
        Directory.CreateDirectory(folder);
        string[][] constants = [], errors = [];
        Curve[] slopes = [], distances = [];
        AnsiConsole.Progress().Start(context =>
        {
            var steps = new[] { "constants", "errors", "slopes of errors", "distances" }.Select(name => context.AddTask(name, maxValue: 1)).ToArray();
            constants = Experiments.Constants(effort, seed, done => steps[0].Value = done);
            errors = Experiments.Errors(effort, seed, done => steps[1].Value = done);
            slopes = Experiments.ErrorSlopes(effort, seed, done => steps[2].Value = done);
            distances = Experiments.Distances(effort, seed, done => steps[3].Value = done);
        });

        _report.Add("# The kernel score and its rates");
        _report.Add("Targets: M1 and M2, two normal laws on a line and three in the plane, of variance 1/4; U1 and U2, uniform on [0, 1] and its square; the law of Laplace. "
            + string.Create(CultureInfo.InvariantCulture, $"Seed {seed}, effort {effort}. Integrals over x are by quadrature: only data are random."));
        _report.Add("## n times the mean squared error of the score, and its limit C(t)");
        _report.Add("n = 3000, no tail. The last column is the distance from 1 in standard errors.");
        _report.AddTable(["target", "t", "n MSE", "C(t)", "ratio", "standard errors"], constants);
        _report.Add("## Mean squared error of the score");
        _report.AddTable(["target", "t", "n", "hard threshold", "no tail", "max", "normal pseudo-datum"], errors);
        _report.Add("## Slopes");
        _report.AddTable(["quantity", "over", "fitted", "theory"], slopes.Select(c => Row("MSE", c)).Concat(distances.Select(c => Row("total variation", c))));
        Plot("errors-n", "Mean squared error of the score", "MSE", slopes.Where(c => c.Axis == "n"));
        Plot("errors-t", "Mean squared error of the score", "MSE", slopes.Where(c => c.Axis == "t"));
        Plot("rates", "Distance of samples to the law, stopped at the minimax time", "total variation", distances.Where(c => c.Name.Contains("beta", StringComparison.Ordinal)));
        Plot("distance-n", "Distance of samples to the law with noise", "total variation", distances.Where(c => c.Axis == "n" && c.Name.Contains("p_t0", StringComparison.Ordinal)));
        Plot("distance-t", "Distance of samples to the law with noise", "total variation", distances.Where(c => c.Axis == "t"));
        _report.Add("The rates are upper bounds that hold up to powers of log n: a steeper slope is no contradiction.");
        _report.Save(Path.Combine(folder, "report.md"));
    }

    private static string[] Row(string what, Curve curve) =>
        [$"{what}, {curve.Name}", curve.Axis, curve.Slope.ToString("0.000", CultureInfo.InvariantCulture), curve.Theory.ToString("0.000", CultureInfo.InvariantCulture)];

    private void Plot(string name, string title, string quantity, IEnumerable<Curve> curves)
    {
        CurvePlot.Save(Path.Combine(folder, name + ".png"), title, quantity, curves);
        _report.Add($"![{title}]({name}.png)");
    }
}
