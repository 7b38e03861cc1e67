namespace Mdl.Runtime.Kernels;

/// <summary>Runs independent multiply-adds that read no memory.</summary>
internal abstract class PeakProbe : IDisposable
{
    /// <summary>Floating-point operations in a round; a multiply-add is two.</summary>
    public abstract int OperationsPerRound { get; }

    /// <summary>Runs some rounds.</summary>
    public abstract void Run(long rounds);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
