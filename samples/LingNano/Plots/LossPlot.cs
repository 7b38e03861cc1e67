using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Data;
using ScottPlot;

namespace Ling.Sample.Plots;

/// <summary>Training, multi-token and held-out loss over the steps, with the entropies of the text as lines to get below.</summary>
public static class LossPlot
{
    public static void Save(string path, MetricsHistory history, TextEntropy entropy)
    {
        using var plot = new Plot();
        Curve(plot, history.Steps, history.Losses, "training", Colors.C0.WithAlpha(0.6));
        if (history.MtpLosses.Any(l => l != 0))
        {
            Curve(plot, history.Steps, history.MtpLosses, "multi-token prediction", Colors.C1.WithAlpha(0.6));
        }

        if (history.HeldOut.Count > 0)
        {
            var heldOut = plot.Add.Scatter(history.HeldOut.Select(h => h.Step).ToArray(), history.HeldOut.Select(h => h.Loss).ToArray(), Colors.C3);
            heldOut.LegendText = "held-out";
            heldOut.LineWidth = 2;
            heldOut.MarkerSize = 6;
        }

        Level(plot, entropy.Unigram, "unigram entropy", LinePattern.Dotted);
        Level(plot, entropy.Bigram, "bigram entropy", LinePattern.Dashed);
        plot.Title("Ling Nano");
        plot.XLabel("step");
        plot.YLabel("loss, nats per byte");
        plot.ShowLegend(Alignment.UpperRight);
        AtomicFile.Write(path, stream => stream.Write(plot.GetImage(1000, 600).GetImageBytes(ImageFormat.Png)));
    }

    private static void Curve(Plot plot, List<double> steps, List<double> losses, string name, Color color)
    {
        var curve = plot.Add.ScatterLine(steps.ToArray(), losses.ToArray(), color);
        curve.LegendText = name;
        curve.LineWidth = 1.5f;
    }

    private static void Level(Plot plot, double value, string name, LinePattern pattern)
    {
        var line = plot.Add.HorizontalLine(value, 1.5f, Colors.Gray, pattern);
        line.LegendText = name;
    }
}
