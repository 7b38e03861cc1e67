using Mdl.Runtime.Checkpoints;
using ScottPlot;

namespace Ling.Sample.Plots;

/// <summary>For each layer, the load of its experts over the steps as a heat map: load over mean load, from 0 to 2.</summary>
public static class ExpertPlot
{
    private const int MostColumns = 200;

    public static void Save(string path, MetricsHistory history)
    {
        var plots = new Multiplot();
        plots.AddPlots(history.Loads.Count);
        var index = 0;
        foreach (var (layer, loads) in history.Loads)
        {
            Draw(plots.GetPlot(index++), layer, loads, history.Steps);
        }

        var image = plots.Render(1000, 220 * history.Loads.Count);
        AtomicFile.Write(path, stream => stream.Write(image.GetImageBytes(ImageFormat.Png)));
    }

    private static void Draw(Plot plot, string layer, List<double[]> loads, List<double> steps)
    {
        var map = plot.Add.Heatmap(Average(loads));
        map.Colormap = new ScottPlot.Colormaps.Viridis();
        map.ManualRange = new ScottPlot.Range(0, 2);
        // The position is that of the outer cells' centres.
        var (begin, end) = (steps[0] - 0.5, steps[^1] + 0.5);
        var half = (end - begin) / map.Intensities.GetLength(1) / 2;
        map.Position = new CoordinateRect(begin + half, end - half, 0, loads[0].Length - 1);
        plot.Add.ColorBar(map).Label = "load / mean";
        plot.Title(layer);
        plot.XLabel("step");
        plot.YLabel("expert");
        plot.Axes.Margins(0, 0);
    }

    // Rows are experts, the first at the bottom; columns are means over equal numbers of steps.
    private static double[,] Average(List<double[]> loads)
    {
        // Two columns at least: the plotting library divides by one less.
        var columns = Math.Clamp(loads.Count, 2, MostColumns);
        var experts = loads[0].Length;
        var map = new double[experts, columns];
        for (var column = 0; column < columns; column++)
        {
            var begin = column * loads.Count / columns;
            var part = loads[begin..Math.Max(begin + 1, (column + 1) * loads.Count / columns)];
            var mean = part.Average(row => row.Average());
            for (var expert = 0; expert < experts; expert++)
            {
                map[experts - 1 - expert, column] = mean > 0 ? part.Average(row => row[expert]) / mean : 0;
            }
        }

        return map;
    }
}
