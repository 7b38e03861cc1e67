namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>Data of a kernel estimate in a device's memory, and the sums over them for a batch of queries.</summary>
public abstract class DeviceKernelSums
{
    /// <summary>
    /// For each query x the logarithm of S = sum over j of exp(-scale |x - X_j|^2), and (1 / S) sum over j of exp(-scale |x - X_j|^2) (X_j - x).
    /// </summary>
    /// <param name="queries">[N, d].</param>
    /// <param name="scale">1 / (2 t); above 0.</param>
    /// <param name="logSums">[N].</param>
    /// <param name="shifts">[N, d].</param>
    public abstract void Evaluate(ReadOnlySpan<float> queries, float scale, Span<float> logSums, Span<float> shifts);
}
