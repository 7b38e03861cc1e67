using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>Micro-kernels in plain C#, on vectors of one width.</summary>
internal sealed unsafe class PortableKernels : MicroKernels
{
    private readonly delegate*<GemmTile*, int, int, void> _tile;

    private PortableKernels(int vectorBits, int rows, int columns, delegate*<GemmTile*, int, int, void> tile)
    {
        VectorBits = vectorBits;
        TileRows = rows;
        TileColumns = columns;
        _tile = tile;
    }

    /// <summary>The width of the vectors.</summary>
    public int VectorBits { get; }

    /// <inheritdoc/>
    public override int TileRows { get; }

    /// <inheritdoc/>
    public override int TileColumns { get; }

    /// <inheritdoc/>
    public override bool MasksColumns => false;

    /// <summary>Kernels on the widest vectors of the processor.</summary>
    public static PortableKernels Create() =>
        Create(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128);

    /// <summary>Kernels on vectors of 512, 256 or 128 bits; widths that the processor lacks work too, slowly.</summary>
    public static PortableKernels Create(int vectorBits) => vectorBits switch
    {
        512 => new PortableKernels(512, PortableTile.Rows, 32, &PortableTile.Run<Vector512<float>, Lanes512>),
        256 => new PortableKernels(256, PortableTile.Rows, 16, &PortableTile.Run<Vector256<float>, Lanes256>),
        128 => new PortableKernels(128, PortableTile.Rows, 8, &PortableTile.Run<Vector128<float>, Lanes128>),
        _ => throw new ArgumentOutOfRangeException(nameof(vectorBits), vectorBits, "Vectors have 512, 256 or 128 bits."),
    };

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public override void Run(GemmTile* tile, int rows, int columns) => _tile(tile, rows, columns);

    /// <inheritdoc/>
    public override PeakProbe CreatePeakProbe() => VectorBits switch
    {
        512 => new PortablePeakProbe<Vector512<float>, Lanes512>(),
        256 => new PortablePeakProbe<Vector256<float>, Lanes256>(),
        _ => new PortablePeakProbe<Vector128<float>, Lanes128>(),
    };

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
