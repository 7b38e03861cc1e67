using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>Micro-kernels of one instruction family, assembled when first needed.</summary>
internal sealed unsafe class AssembledKernels : MicroKernels
{
    private readonly InstructionFamily _family;
    private readonly int _lanes;
    private readonly int _tileVectors;
    private readonly int _leftPanelStep;
    private readonly int _rightPanelStep;
    private readonly nint[] _kernels;
    private readonly List<CodeMemory> _code = [];
    private readonly Lock _gate = new();

    private AssembledKernels(InstructionFamily family, ElementFormat format)
    {
        Format = format;
        _family = family;
        TileRows = family.TileRows;
        _lanes = family.Lanes;
        _tileVectors = family.TileVectors;
        _kernels = new nint[Index(TileRows, _tileVectors, masked: true, LeftOrder.Panel, rightPanel: true) + 1];
        TileColumns = family.TileVectors * family.Lanes;
        _leftPanelStep = TileRows * sizeof(float);
        _rightPanelStep = TileColumns * sizeof(float);
    }

    /// <inheritdoc/>
    public override int TileRows { get; }

    /// <inheritdoc/>
    public override int TileColumns { get; }

    /// <inheritdoc/>
    public override ElementFormat Format { get; }

    /// <inheritdoc/>
    public override bool MasksColumns => true;

    /// <inheritdoc/>
    public override bool FetchesAhead => true;

    /// <inheritdoc/>
    public override int FewColumnsAgainstRows => _family.FewColumnsAgainstRows;

    /// <summary>Kernels for the best family that the processor has; null if there is none or executable memory is not to be had.</summary>
    public static AssembledKernels? TryCreate() =>
        Avx512F.IsSupported ? TryCreate(new Avx512Family())
        : Avx2.IsSupported && Fma.IsSupported ? TryCreate(new Avx2Family())
        : null;

    /// <summary>Kernels that multiply in a short format; null if the processor has none or executable memory is not to be had.</summary>
    public static AssembledKernels? TryCreate(ElementFormat format)
    {
        if (!Avx512F.IsSupported)
        {
            return null;
        }

        const int ExtendedFeatures = 7;
        const int VnniBit = 11;
        const int BFloat16Bit = 5;
        return format switch
        {
            ElementFormat.BFloat16 when (X86Base.CpuId(ExtendedFeatures, 1).Eax >> BFloat16Bit & 1) != 0 => TryCreate(new Avx512Bf16Family(), format),
            ElementFormat.SByte when (X86Base.CpuId(ExtendedFeatures, 0).Ecx >> VnniBit & 1) != 0 => TryCreate(new Avx512VnniFamily(), format),
            _ => null,
        };
    }

    /// <summary>Kernels for a family that the processor must have; null if executable memory is not to be had.</summary>
    public static AssembledKernels? TryCreate(InstructionFamily family, ElementFormat format = ElementFormat.Single)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || !AllowsExecutableMemory())
        {
            return null;
        }

        return new AssembledKernels(family, format);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(GemmTile* tile, int rows, int columns)
    {
        // Copies in fields, not the family's virtual properties: products of small tiles come here every few hundred nanoseconds.
        var lanes = _lanes;
        var vectors = (int)((uint)(columns + lanes - 1) / (uint)lanes);
        var missing = vectors * lanes - columns;
        tile->LastColumns = (1UL << (lanes - missing)) - 1;
        var order = tile->AColumnStep == sizeof(float) ? LeftOrder.Rows
            : tile->AColumnStep == _leftPanelStep && tile->ARowStep == sizeof(float) ? LeftOrder.Panel
            : LeftOrder.Columns;
        var rightPanel = tile->BRowStep == _rightPanelStep;
        var kernel = Volatile.Read(ref _kernels[Index(rows, vectors, missing > 0, order, rightPanel)]);
        if (kernel == 0)
        {
            kernel = Assemble(new TileVariant(rows, vectors, missing > 0, order, rightPanel));
        }

        // A kernel runs for a microsecond or two, so it need not let the collector know that it is away.
        ((delegate* unmanaged[SuppressGCTransition]<GemmTile*, void>)kernel)(tile);
    }

    /// <inheritdoc/>
    public override PeakProbe CreatePeakProbe() => new AssembledPeakProbe(_family, PerLane);

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (_gate)
        {
            Array.Clear(_kernels);
            _code.ForEach(code => code.Dispose());
            _code.Clear();
        }
    }

    private static bool AllowsExecutableMemory()
    {
        const byte Return = 0xC3;
        using var probe = CodeMemory.TryCreate([Return]);
        return probe is not null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Index(int rows, int vectors, bool masked, LeftOrder order, bool rightPanel) =>
        ((((((int)order * TileRows) + rows - 1) * _tileVectors + vectors - 1) * 2) + (masked ? 1 : 0)) * 2 + (rightPanel ? 1 : 0);

    private nint Assemble(TileVariant variant)
    {
        lock (_gate)
        {
            ref var kernel = ref _kernels[Index(variant.Rows, variant.Vectors, variant.Masked, variant.Order, variant.RightPanel)];
            if (kernel == 0)
            {
                var code = CodeMemory.TryCreate(TileAssembler.Assemble(_family, CallingConvention.Native, variant)) ?? throw CodeMemory.Exhausted();
                _code.Add(code);
                Volatile.Write(ref kernel, (nint)code.Entry);
            }

            return kernel;
        }
    }
}
