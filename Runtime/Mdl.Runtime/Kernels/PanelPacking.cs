namespace Mdl.Runtime.Kernels;

/// <summary>Brings blocks of operands into the panels that a set of micro-kernels reads, whatever the formats on either side.</summary>
internal static unsafe class PanelPacking
{
    /// <summary>Bytes of scratch memory that packing a block of so many lanes along the contraction needs.</summary>
    public static long ScratchBytes(MicroKernels kernels, int lanes) => LanePacking.ScratchBytes(lanes);

    /// <summary>Packs b[0..k, 0..n]; see <see cref="Packing.RightPanels"/>.</summary>
    public static void Right(MicroKernels kernels, in Matrix b, int k, int n, float* packed, long panelStep, void* scratch)
    {
        var width = kernels.TileColumns;
        switch (kernels.Format)
        {
            case ElementFormat.SByte:
                LanePacking.RightPanels<ByteLanes<RightSide>>(b, k, n, width, packed, panelStep, scratch);
                break;
            case ElementFormat.BFloat16 when PairPacking.Fits(b) && PairPacking.RightPanels(b, k, n, width, packed, panelStep):
                break;
            case ElementFormat.BFloat16:
                LanePacking.RightPanels<BFloat16Lanes>(b, k, n, width, packed, panelStep, scratch);
                break;
            case ElementFormat.Single when b.Format != ElementFormat.Single:
                LanePacking.RightPanels<SingleLanes>(b, k, n, width, packed, panelStep, scratch);
                break;
            default:
                Packing.RightPanels(b, k, n, width, packed, panelStep);
                break;
        }
    }

    /// <summary>Packs a left operand given as [k, m]; see <see cref="Packing.LeftPanels"/>.</summary>
    public static void LeftOfColumns(MicroKernels kernels, in Matrix a, int k, in TileHeights tiles, float* packed, long panelStep)
    {
        var width = kernels.TileRows;
        switch (kernels.Format)
        {
            case ElementFormat.SByte:
                LanePacking.LeftPanels<ByteLanes<LeftSide>>(a, k, tiles, width, packed, panelStep);
                break;
            case ElementFormat.BFloat16 when PairPacking.Fits(a) && a.ColumnStride == 1:
                PairPacking.LeftPanels(a, k, tiles, packed, panelStep);
                break;
            case ElementFormat.BFloat16:
                LanePacking.LeftPanels<BFloat16Lanes>(a, k, tiles, width, packed, panelStep);
                break;
            case ElementFormat.Single when a.Format != ElementFormat.Single:
                LanePacking.LeftPanels<SingleLanes>(a, k, tiles, width, packed, panelStep);
                break;
            default:
                Packing.LeftPanels(a, k, tiles, width, packed, panelStep);
                break;
        }
    }

    /// <summary>Packs a left operand given as [m, k]; see <see cref="Packing.LeftPanelsOfRows"/>.</summary>
    public static void LeftOfRows(MicroKernels kernels, in Matrix a, int k, in TileHeights tiles, float* packed, long panelStep, void* scratch)
    {
        var width = kernels.TileRows;
        switch (kernels.Format)
        {
            case ElementFormat.SByte:
                LanePacking.LeftPanelsOfRows<ByteLanes<LeftSide>>(a, k, tiles, width, packed, panelStep, scratch);
                break;
            case ElementFormat.BFloat16:
                LanePacking.LeftPanelsOfRows<BFloat16Lanes>(a, k, tiles, width, packed, panelStep, scratch);
                break;
            case ElementFormat.Single when a.Format != ElementFormat.Single:
                LanePacking.LeftPanelsOfRows<SingleLanes>(a, k, tiles, width, packed, panelStep, scratch);
                break;
            default:
                Packing.LeftPanelsOfRows(a, k, tiles, width, packed, panelStep);
                break;
        }
    }
}
