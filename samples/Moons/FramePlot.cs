using System.Globalization;
using Mdl.Runtime.Checkpoints;
using ScottPlot;
using ScottPlot.MultiplotLayouts;

namespace Moons.Sample;

/// <summary>A row of pictures for each sampler: its samples on their way from noise to data, then the data.</summary>
internal sealed class FramePlot
{
    private const int Width = 320;
    private const int Height = 300;
    private readonly List<(string Title, float[] Points, Color Color)> _frames = [];

    public void Add(string title, ReadOnlySpan<float> points, bool isData = false) => _frames.Add((title, points.ToArray(), isData ? Colors.Gray : Colors.C0));

    public void Save(string path, int columns)
    {
        var rows = (_frames.Count + columns - 1) / columns;
        var multiplot = new Multiplot();
        multiplot.AddPlots(_frames.Count);
        multiplot.Layout = new Grid(rows, columns);
        for (var i = 0; i < _frames.Count; i++)
        {
            var (title, points, color) = _frames[i];
            var plot = multiplot.GetPlot(i);
            var (x, y) = (new double[points.Length / 2], new double[points.Length / 2]);
            for (var k = 0; k < x.Length; k++)
            {
                (x[k], y[k]) = (points[2 * k], points[(2 * k) + 1]);
            }

            var dots = plot.Add.ScatterPoints(x, y, color.WithAlpha(0.35));
            dots.MarkerSize = 2.5f;
            plot.Title(title);

            // Each frame is as wide as its points, around the middle of the data.
            var reach = Math.Max(1.6, 1.1 * x.Max(Math.Abs));
            plot.Axes.SetLimits(0.5 - reach, 0.5 + reach, 0.25 - (0.9 * reach), 0.25 + (0.9 * reach));
        }

        AtomicFile.Write(path, stream => stream.Write(multiplot.Render(columns * Width, rows * Height).GetImageBytes(ImageFormat.Png)));
    }

    public static string Level(double sigma) => string.Create(CultureInfo.InvariantCulture, $"sigma {sigma:0.###}");
}
