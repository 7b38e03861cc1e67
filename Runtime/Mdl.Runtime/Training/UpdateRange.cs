using Mdl.Runtime.Models;

namespace Mdl.Runtime.Training;

/// <summary>A run of weights that one optimizer launch updates.</summary>
internal readonly record struct UpdateRange(long Begin, long Count, bool Decays)
{
    /// <summary>
    /// The trainable parameters, neighbours with the same decay joined. The padding between them is updated too: its gradient is zero, so it stays zero.
    /// </summary>
    public static UpdateRange[] Of(ModelInfo info)
    {
        var ranges = new List<UpdateRange>();
        foreach (var parameter in info.Parameters.Where(p => p.IsTrained).OrderBy(p => p.Offset))
        {
            var end = parameter.Offset + parameter.Size;
            if (ranges is [.., var last] && last.Decays == parameter.Decays)
            {
                ranges[^1] = last with { Count = end - last.Begin };
            }
            else
            {
                ranges.Add(new UpdateRange(parameter.Offset, parameter.Size, parameter.Decays));
            }
        }

        return [.. ranges];
    }
}
