using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// The rows of one key head in memory: row r is query token r / Group and query head r % Group of those that share the key head.
/// </summary>
/// <param name="data">The first row.</param>
/// <param name="tokenStride">Floats between tokens.</param>
/// <param name="width">Floats of a row.</param>
/// <param name="group">Query heads that share the key head.</param>
internal readonly unsafe struct HeadRows(float* data, long tokenStride, int width, int group)
{
    /// <summary>Floats of a row.</summary>
    public int Width => width;

    /// <summary>A row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Row(int row)
    {
        var (token, member) = Math.DivRem(row, group);
        return data + (token * tokenStride) + ((long)member * width);
    }
}

/// <summary>Brings rows of heads that lie strided in memory into the panels that micro-kernels read.</summary>
internal static unsafe class AttentionPacking
{
    /// <summary>
    /// Panels of as many tokens as a micro-kernel has columns, each transposed to [width, tokens of a panel]. Tokens from <paramref name="tokens"/> to
    /// the end of the last panel are 0.
    /// </summary>
    public static void Transposed(MicroKernels kernels, float* from, long stride, int tokens, int width, float* to) =>
        Packing.RightPanels(Matrix.Transposed(from, stride), width, tokens, kernels.TileColumns, to, (long)width * kernels.TileColumns);

    /// <summary>Panels of as many columns as a micro-kernel has, each with all tokens and the given floats behind the one before.</summary>
    public static void Columns(MicroKernels kernels, float* from, long stride, int tokens, int width, float* to, long panelStep) =>
        Packing.RightPanels(Matrix.RowMajor(from, stride), tokens, width, kernels.TileColumns, to, panelStep);

    /// <summary>Left panels [width, rows of a micro-kernel], one behind the other. The last one repeats the last row where there are no more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Left(MicroKernels kernels, in HeadRows from, int first, int count, float* to)
    {
        var height = kernels.TileRows;
        var rows = stackalloc float*[height];
        for (var i = 0; i < count; i += height)
        {
            for (var j = 0; j < height; j++)
            {
                rows[j] = from.Row(first + Math.Min(i + j, count - 1));
            }

            Transposition.Rows(rows, height, from.Width, to + ((long)i * from.Width));
        }
    }

    /// <summary>Dense rows of a head times a factor, ld floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(in HeadRows from, int first, int count, float scale, float* to, int ld)
    {
        for (var i = 0; i < count; i++)
        {
            Rows.Scale(from.Row(first + i), to + ((long)i * ld), scale, from.Width);
        }
    }
}
