using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Takes the weights of a model piece by piece, as a checkpoint is read.</summary>
public interface IWeightDestination
{
    /// <summary>Takes consecutive values of one instance of a parameter.</summary>
    /// <param name="parameter">Its index in <see cref="ModelInfo.Parameters"/>.</param>
    /// <param name="instance">Which repetition; 0 if it is not repeated.</param>
    /// <param name="begin">The index of the first value, row-major in the shape of the parameter.</param>
    /// <param name="values">The values; valid during the call only. A call ends at the end of a row.</param>
    void Store(int parameter, int instance, long begin, ReadOnlySpan<float> values);
}
