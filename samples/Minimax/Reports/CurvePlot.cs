using System.Globalization;
using Mdl.Runtime.Checkpoints;
using ScottPlot;

namespace Minimax.Sample.Reports;

/// <summary>Measured points, the line fitted to them and one of the theoretical slope through their middle, on logarithmic axes.</summary>
internal static class CurvePlot
{
    public static void Save(string path, string title, string quantity, IEnumerable<Curve> curves)
    {
        using var plot = new Plot();
        var color = 0;
        var axis = "";
        foreach (var curve in curves)
        {
            axis = curve.Axis;
            var paint = plot.Add.Palette.GetColor(color++);
            var (x, y) = (curve.Points.Select(p => Math.Log10(p.X)).ToArray(), curve.Points.Select(p => Math.Log10(p.Y)).ToArray());
            var points = plot.Add.ScatterPoints(x, y, paint);
            points.MarkerSize = 8;
            points.LegendText = string.Create(CultureInfo.InvariantCulture, $"{curve.Name}: fitted {curve.Slope:0.000}, theory {curve.Theory:0.000}");
            Line(plot, x, y, curve.Slope, paint, LinePattern.Solid);
            Line(plot, x, y, curve.Theory, paint, LinePattern.Dashed);
        }

        Logarithmic(plot.Axes.Bottom);
        Logarithmic(plot.Axes.Left);
        plot.Title(title);
        plot.XLabel($"{axis} (solid: fitted, dashed: theory)");
        plot.YLabel(quantity);
        plot.ShowLegend(Edge.Bottom);
        AtomicFile.Write(path, stream => stream.Write(plot.GetImage(900, 650).GetImageBytes(ImageFormat.Png)));
    }

    private static void Line(Plot plot, double[] x, double[] y, double slope, Color color, LinePattern pattern)
    {
        var (middleX, middleY) = (x.Average(), y.Average());
        var line = plot.Add.Line(x.Min(), middleY + (slope * (x.Min() - middleX)), x.Max(), middleY + (slope * (x.Max() - middleX)));
        (line.LineColor, line.LinePattern, line.LineWidth) = (color, pattern, 1.5f);
    }

    private static void Logarithmic(IAxis axis) => axis.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic
    {
        LabelFormatter = value => Math.Pow(10, value).ToString("0.##E+0", CultureInfo.InvariantCulture),
    };
}
