using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>Elements chosen row by row along the last axis, and the derivative of that.</summary>
public static unsafe class AlongAxis
{
    private const int RowsOfChunk = 512;

    /// <summary>y [rows, count] with y[r, i] = x[r, index[r, i]] of x [rows, length].</summary>
    public static void Take(Team team, float* x, int* index, float* y, long rows, int length, int count)
    {
        var arguments = new Arguments { X = x, Index = index, Y = y, Rows = rows, Length = length, Count = count };
        team.Run(&TakeChunk, &arguments, (int)((rows + RowsOfChunk - 1) / RowsOfChunk));
    }

    /// <summary>y [rows, length]: zeros, with values[r, i] added at y[r, index[r, i]] in the order of i.</summary>
    public static void Put(Team team, int* index, float* values, float* y, long rows, int length, int count)
    {
        var arguments = new Arguments { X = values, Index = index, Y = y, Rows = rows, Length = length, Count = count };
        team.Run(&PutChunk, &arguments, (int)((rows + RowsOfChunk - 1) / RowsOfChunk));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TakeChunk(void* arguments, int chunk, int worker)
    {
        var a = (Arguments*)arguments;
        var end = Math.Min(a->Rows, (chunk + 1L) * RowsOfChunk);
        for (var r = (long)chunk * RowsOfChunk; r < end; r++)
        {
            for (var i = 0; i < a->Count; i++)
            {
                a->Y[(r * a->Count) + i] = a->X[(r * a->Length) + a->Index[(r * a->Count) + i]];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PutChunk(void* arguments, int chunk, int worker)
    {
        var a = (Arguments*)arguments;
        var end = Math.Min(a->Rows, (chunk + 1L) * RowsOfChunk);
        for (var r = (long)chunk * RowsOfChunk; r < end; r++)
        {
            var y = a->Y + (r * a->Length);
            new Span<float>(y, a->Length).Clear();
            for (var i = 0; i < a->Count; i++)
            {
                y[a->Index[(r * a->Count) + i]] += a->X[(r * a->Count) + i];
            }
        }
    }

    private struct Arguments
    {
        public float* X;
        public int* Index;
        public float* Y;
        public long Rows;
        public int Length;
        public int Count;
    }
}
