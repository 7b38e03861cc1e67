using Mdl.Runtime.Assembly;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// The inner kernels that the blocked products stand on. Each element of a tile is one chain of fused multiply-adds in the order of the
/// contraction, whatever the kernel and the shape of the tile, so the cut of a product into tiles does not show in its bits.
/// </summary>
internal abstract unsafe class MicroKernels : IDisposable
{
    /// <summary>Rows of the largest tile.</summary>
    public abstract int TileRows { get; }

    /// <summary>Columns of the largest tile.</summary>
    public abstract int TileColumns { get; }

    /// <summary>In which form the operands are multiplied.</summary>
    public virtual ElementFormat Format => ElementFormat.Single;

    /// <summary>Elements along the contraction that a lane of a panel holds.</summary>
    public int PerLane => 1 << (int)Format;

    /// <summary>Whether kernels never touch columns of the right operand beyond the tile's own; if not, the operand must be padded with readable floats.</summary>
    public abstract bool MasksColumns { get; }

    /// <summary>Whether kernels fetch what <see cref="GemmTile.Ahead"/> names.</summary>
    public virtual bool FetchesAhead => false;

    /// <summary>Up to so many columns of the product, to read rows of the left operand where they are costs less than to copy them into panels (measured).</summary>
    public virtual int FewColumnsAgainstRows => 128;

    /// <summary>Chooses the kernels for a processor.</summary>
    /// <exception cref="PlatformNotSupportedException">Assembled kernels are asked for and impossible here.</exception>
    public static MicroKernels Create(KernelMode mode) => mode switch
    {
        KernelMode.Portable => PortableKernels.Create(),
        KernelMode.Auto => (MicroKernels?)AssembledKernels.TryCreate() ?? PortableKernels.Create(),
        _ => AssembledKernels.TryCreate()
            ?? throw new PlatformNotSupportedException("Assembled kernels need an x64 processor with AVX2 and a system that gives executable memory."),
    };

    /// <summary>Computes a tile of at most <see cref="TileRows"/> x <see cref="TileColumns"/>; at least 1 x 1.</summary>
    public abstract void Run(GemmTile* tile, int rows, int columns);

    /// <summary>The measure of these kernels: multiply-adds that wait for nothing.</summary>
    public abstract PeakProbe CreatePeakProbe();

    /// <inheritdoc/>
    public abstract void Dispose();
}
