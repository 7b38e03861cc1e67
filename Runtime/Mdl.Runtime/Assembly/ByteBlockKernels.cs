using System.Runtime.CompilerServices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>Kernels that multiply blocks of bytes, assembled when first needed; for processors that have AVX512_VNNI.</summary>
internal sealed unsafe class ByteBlockKernels : IDisposable
{
    private const int Lanes = 16;
    private readonly nint[] _kernels = new nint[ByteTile.Rows * 4];
    private readonly List<CodeMemory> _code = [];
    private readonly Lock _gate = new();

    /// <summary>Computes a tile of at most <see cref="ByteTile.Rows"/> x <see cref="ByteTile.Columns"/>; at least 1 x 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(ByteTile* tile, int rows, int columns)
    {
        var vectors = (columns + Lanes - 1) / Lanes;
        var missing = (vectors * Lanes) - columns;
        tile->LastColumns = (1UL << (Lanes - missing)) - 1;
        var index = (((rows - 1) * 2) + vectors - 1) * 2 + (missing > 0 ? 1 : 0);
        var kernel = Volatile.Read(ref _kernels[index]);
        if (kernel == 0)
        {
            kernel = Assemble(index, rows, vectors, missing > 0);
        }

        ((delegate* unmanaged[SuppressGCTransition]<ByteTile*, void>)kernel)(tile);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            Array.Clear(_kernels);
            _code.ForEach(code => code.Dispose());
            _code.Clear();
        }
    }

    private nint Assemble(int index, int rows, int vectors, bool masked)
    {
        lock (_gate)
        {
            if (_kernels[index] == 0)
            {
                var code = CodeMemory.TryCreate(ByteTileAssembler.Assemble(CallingConvention.Native, rows, vectors, masked)) ?? throw CodeMemory.Exhausted();
                _code.Add(code);
                Volatile.Write(ref _kernels[index], (nint)code.Entry);
            }

            return _kernels[index];
        }
    }
}
