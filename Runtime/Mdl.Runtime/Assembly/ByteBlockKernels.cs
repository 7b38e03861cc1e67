using System.Runtime.CompilerServices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>Kernels that multiply blocks of bytes, assembled when first needed; for processors that have AVX512_VNNI.</summary>
internal sealed unsafe class ByteBlockKernels : IDisposable
{
    private const int Lanes = 16;
    private readonly nint[] _kernels = new nint[ByteTile.Rows * 4];
    private readonly nint[] _dots = new nint[ByteDotsCall.Rows * 4];
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
            kernel = Assemble(_kernels, index, () => ByteTileAssembler.Assemble(CallingConvention.Native, rows, vectors, missing > 0));
        }

        ((delegate* unmanaged[SuppressGCTransition]<ByteTile*, void>)kernel)(tile);
    }

    /// <summary>Computes a call of at most <see cref="ByteDotsCall.Rows"/> rows with one or four columns, of bytes or of half bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(ByteDotsCall* call, int rows, bool isOneColumn, bool halves)
    {
        var index = ((rows - 1) * 4) + (isOneColumn ? 2 : 0) + (halves ? 1 : 0);
        var kernel = Volatile.Read(ref _dots[index]);
        if (kernel == 0)
        {
            kernel = Assemble(_dots, index, () => ByteDotsAssembler.Assemble(CallingConvention.Native, rows, isOneColumn ? 1 : ByteDotsCall.Columns, halves));
        }

        ((delegate* unmanaged[SuppressGCTransition]<ByteDotsCall*, void>)kernel)(call);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            Array.Clear(_kernels);
            Array.Clear(_dots);
            _code.ForEach(code => code.Dispose());
            _code.Clear();
        }
    }

    private nint Assemble(nint[] kernels, int index, Func<byte[]> assemble)
    {
        lock (_gate)
        {
            if (kernels[index] == 0)
            {
                var code = CodeMemory.TryCreate(assemble()) ?? throw CodeMemory.Exhausted();
                _code.Add(code);
                Volatile.Write(ref kernels[index], (nint)code.Entry);
            }

            return kernels[index];
        }
    }
}
