using System.Diagnostics;
using System.Globalization;
using Mdl.Runtime.Diffusion.Networks;
using Spectre.Console;

namespace Glyphs.Sample;

/// <summary>Shows how training goes on: a bar in a terminal, now and then a line elsewhere.</summary>
internal sealed class TrainingView(int steps)
{
    private const int Interval = 100;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private double _loss = double.NaN;

    /// <summary>Runs steps 1 to the last.</summary>
    public void Run(Func<DiffusionStepResult> step)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
        {
            for (var i = 1; i <= steps; i++)
            {
                var line = Describe(step());
                if (i == 1 || i == steps || i % Interval == 0)
                {
                    Console.WriteLine(line);
                }
            }

            return;
        }

        AnsiConsole.Progress().Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }).Start(context =>
        {
            var task = context.AddTask("compiling kernels for the first step", maxValue: steps);
            for (var i = 1; i <= steps; i++)
            {
                task.Description = Describe(step());
                task.Value = i;
            }
        });
    }

    private string Describe(DiffusionStepResult result)
    {
        // Single batches scatter.
        _loss = double.IsNaN(_loss) ? result.Denoising : (0.98 * _loss) + (0.02 * result.Denoising);
        var left = TimeSpan.FromSeconds(_watch.Elapsed.TotalSeconds / result.Step * (steps - result.Step));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"step {result.Step}/{steps}  loss {_loss:F4}  gradient {result.GradientNorm:G3}  {result.Step / _watch.Elapsed.TotalSeconds:F1} steps/s  left {left:h\\:mm\\:ss}");
    }
}
