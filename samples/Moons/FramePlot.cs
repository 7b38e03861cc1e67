using Mdl.Runtime.Checkpoints;
using ScottPlot;
using ScottPlot.MultiplotLayouts;

namespace Moons.Sample;

/// <summary>Pictures of samples on their way from noise to data: a strip for each sampler, and all samplers side by side, moving.</summary>
internal static class FramePlot
{
    private const int Width = 320;
    private const int Height = 300;
    private const int MomentsOfStrip = 5;
    private const int MillisecondsOfFrame = 160;
    private const int MillisecondsOfLast = 2500;

    /// <summary>A row for each sampler: some moments, then the data.</summary>
    public static void SaveStrips(string path, IReadOnlyList<Trajectory> trajectories, float[] data)
    {
        var panels = trajectories.SelectMany(t => Enumerable.Range(1, MomentsOfStrip)
            .Select(i => (i * Trajectory.Moments / MomentsOfStrip) - 1)
            .Select(moment => new Panel(t.Title(moment), t.Points(moment), Colors.C0))
            .Append(new($"{data.Length / 2} data", data, Colors.Gray))).ToArray();
        AtomicFile.Write(path, stream => stream.Write(Render(panels, MomentsOfStrip + 1)));
    }

    /// <summary>A picture that moves: a panel for each sampler.</summary>
    public static void SaveAnimation(string path, IReadOnlyList<Trajectory> trajectories)
    {
        var frames = Enumerable.Range(0, Trajectory.Moments)
            .Select(moment => Render([.. trajectories.Select(t => new Panel(t.Title(moment), t.Points(moment), Colors.C0))], 2))
            .ToArray();
        AtomicFile.Write(path, stream => AnimatedPng.Write(stream, frames, i => i + 1 < frames.Length ? MillisecondsOfFrame : MillisecondsOfLast));
    }

    private static byte[] Render(IReadOnlyList<Panel> panels, int columns)
    {
        var rows = (panels.Count + columns - 1) / columns;
        var multiplot = new Multiplot();
        multiplot.AddPlots(panels.Count);
        multiplot.Layout = new Grid(rows, columns);
        for (var i = 0; i < panels.Count; i++)
        {
            var plot = multiplot.GetPlot(i);
            var points = panels[i].Points;
            var (x, y) = (new double[points.Length / 2], new double[points.Length / 2]);
            for (var k = 0; k < x.Length; k++)
            {
                (x[k], y[k]) = (points[2 * k], points[(2 * k) + 1]);
            }

            var dots = plot.Add.ScatterPoints(x, y, panels[i].Color.WithAlpha(0.35));
            dots.MarkerSize = 2.5f;
            plot.Title(panels[i].Title, size: 13);

            // Each panel is as wide as its points, around the middle of the data.
            var reach = Math.Max(1.6, 1.1 * x.Max(Math.Abs));
            plot.Axes.SetLimits(0.5 - reach, 0.5 + reach, 0.25 - (0.9 * reach), 0.25 + (0.9 * reach));
        }

        return multiplot.Render(columns * Width, rows * Height).GetImageBytes(ImageFormat.Png);
    }

    private sealed record Panel(string Title, float[] Points, Color Color);
}
