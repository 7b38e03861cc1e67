using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Brings heads that lie strided in memory into the dense, padded tiles that the products read.</summary>
internal static unsafe class AttentionPacking
{
    /// <summary>
    /// Panels of as many tokens as a micro-kernel has columns, each transposed to [width, tokens of a panel]. Tokens from <paramref name="tokens"/> to
    /// the end of the last panel are 0.
    /// </summary>
    public static void Transpose(MicroKernels kernels, float* from, long stride, int tokens, int width, float* to) =>
        Packing.RightPanels(Matrix.Transposed(from, stride), width, tokens, kernels.TileColumns, to, (long)width * kernels.TileColumns);

    /// <summary>to [count, ld] = scale * rows of <paramref name="from"/>, each padded with zeros to ld.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRow(float* from, float scale, int width, float* to, int ld)
    {
        Rows.Scale(from, to, scale, width);
        for (var i = width; i < ld; i++)
        {
            to[i] = 0;
        }
    }

    /// <summary>Rows of tokens of one head, padded with zeros to ld columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* from, long stride, int tokens, int width, float* to, int ld)
    {
        for (var token = 0; token < tokens; token++)
        {
            CopyRow(from + (token * stride), 1, width, to + ((long)token * ld), ld);
        }
    }
}
