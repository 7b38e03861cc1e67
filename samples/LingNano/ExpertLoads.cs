using Ling.Sample.Progress;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Ling.Sample;

/// <summary>Reads the expert loads of the last step.</summary>
public static class ExpertLoads
{
    public static List<ExpertBalance> Balance(ModelInfo info, Trainer trainer)
    {
        var balance = new List<ExpertBalance>();
        foreach (var metric in info.Metrics.Where(m => m.IsLoad))
        {
            for (var row = 0; row < metric.Rows; row++)
            {
                var loads = trainer.Loads(metric).Slice(row * metric.Columns, metric.Columns);
                balance.Add(ExpertBalance.Of(LayerName.Of(metric.Name, row), loads));
            }
        }

        return balance;
    }
}
