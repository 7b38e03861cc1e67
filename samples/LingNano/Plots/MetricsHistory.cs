using System.Text.Json;

namespace Ling.Sample.Plots;

/// <summary>What the metrics file says of a run, the part before a resume included.</summary>
public sealed class MetricsHistory
{
    public List<double> Steps { get; } = [];

    public List<double> Losses { get; } = [];

    public List<double> MtpLosses { get; } = [];

    public List<(double Step, double Loss)> HeldOut { get; } = [];

    /// <summary>For each layer, by name: one row of expert loads a step.</summary>
    public OrderedDictionary<string, List<double[]>> Loads { get; } = new(StringComparer.Ordinal);

    public static MetricsHistory Read(string path)
    {
        var history = new MetricsHistory();
        foreach (var line in File.ReadLines(path))
        {
            using var document = JsonDocument.Parse(line);
            history.Add(document.RootElement);
        }

        return history;
    }

    private void Add(JsonElement line)
    {
        var step = line.GetProperty("step").GetDouble();
        Steps.Add(step);
        Losses.Add(line.GetProperty("nll").GetDouble());
        MtpLosses.Add(line.GetProperty("mtp").GetDouble());
        if (line.TryGetProperty("held_out", out var heldOut))
        {
            HeldOut.Add((step, heldOut.GetDouble()));
        }

        foreach (var moe in line.GetProperty("loads").EnumerateObject())
        {
            var row = 0;
            foreach (var loads in moe.Value.EnumerateArray())
            {
                var name = LayerName.Of(moe.Name, row++);
                if (!Loads.TryGetValue(name, out var list))
                {
                    Loads.Add(name, list = []);
                }

                list.Add([.. loads.EnumerateArray().Select(v => v.GetDouble())]);
            }
        }
    }
}
