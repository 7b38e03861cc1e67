using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>The derivative of taking whole rows of a table by index.</summary>
public static unsafe class Indexing
{
    private const int SliceWidth = 64;

    private struct Arguments
    {
        public float* Table;
        public int* Index;
        public float* Values;
        public long Count;
        public int Rows;
        public int Width;
        public int PerChunk;
        public int Slices;
    }

    /// <summary>dTable [rows, width] = for each row the sum, in order, of the dy [count, width] whose index it is; overwrites dTable.</summary>
    public static void GatherGradient(Team team, int* index, float* dy, float* dTable, long count, int rows, int width)
    {
        // A chunk owns a block of the table (some rows, a slice of columns) and reads all indices: nothing is shared, and however unevenly
        // the indices fall, the column slices share the work evenly.
        var slices = Math.Max(1, (width + SliceWidth - 1) / SliceWidth);
        var ranges = Math.Clamp(16 / slices, 1, Math.Max(rows, 1));
        var a = new Arguments
        {
            Table = dTable, Index = index, Values = dy, Count = count, Rows = rows, Width = width, Slices = slices, PerChunk = (rows + ranges - 1) / ranges,
        };
        team.Run(&GradientChunk, &a, slices * ranges);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientChunk(void* arguments, int chunk, int worker)
    {
        ref var a = ref *(Arguments*)arguments;
        var column = chunk % a.Slices * SliceWidth;
        var width = Math.Min(SliceWidth, a.Width - column);
        var first = chunk / a.Slices * a.PerChunk;
        var rows = Math.Min(a.PerChunk, a.Rows - first);
        if (rows <= 0 || width <= 0)
        {
            return;
        }

        for (var row = first; row < first + rows; row++)
        {
            Rows.Clear(a.Table + ((long)row * a.Width) + column, width);
        }

        for (long i = 0; i < a.Count; i++)
        {
            var row = a.Index[i];
            if ((uint)(row - first) < (uint)rows)
            {
                Rows.Add(a.Values + (i * a.Width) + column, a.Table + ((long)row * a.Width) + column, width);
            }
        }
    }
}
