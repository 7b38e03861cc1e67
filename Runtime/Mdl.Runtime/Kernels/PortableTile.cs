using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>The portable micro-kernel: six rows by two vectors, twelve accumulators, which every vector width has the registers for.</summary>
internal static unsafe class PortableTile
{
    /// <summary>Rows of the tile.</summary>
    public const int Rows = 6;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TVector, TLanes>(GemmTile* tile, int rows, int columns)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        // Rows that do not exist repeat the last one; only rows that exist are stored.
        var a0 = (byte*)tile->A;
        var a1 = a0 + (rows > 1 ? tile->ARowStep : 0);
        var a2 = a1 + (rows > 2 ? tile->ARowStep : 0);
        var a3 = a2 + (rows > 3 ? tile->ARowStep : 0);
        var a4 = a3 + (rows > 4 ? tile->ARowStep : 0);
        var a5 = a4 + (rows > 5 ? tile->ARowStep : 0);
        var step = tile->AColumnStep;
        var b = (byte*)tile->B;
        var bStep = tile->BRowStep;

        TVector c00 = TLanes.Zero, c01 = TLanes.Zero, c10 = TLanes.Zero, c11 = TLanes.Zero, c20 = TLanes.Zero, c21 = TLanes.Zero;
        TVector c30 = TLanes.Zero, c31 = TLanes.Zero, c40 = TLanes.Zero, c41 = TLanes.Zero, c50 = TLanes.Zero, c51 = TLanes.Zero;
        nint offset = 0;
        for (var k = tile->K; k > 0; k--)
        {
            var b0 = TLanes.Load((float*)b);
            var b1 = TLanes.Load((float*)b + TLanes.Count);
            var x = TLanes.Broadcast(*(float*)(a0 + offset));
            c00 = TLanes.MultiplyAdd(x, b0, c00);
            c01 = TLanes.MultiplyAdd(x, b1, c01);
            x = TLanes.Broadcast(*(float*)(a1 + offset));
            c10 = TLanes.MultiplyAdd(x, b0, c10);
            c11 = TLanes.MultiplyAdd(x, b1, c11);
            x = TLanes.Broadcast(*(float*)(a2 + offset));
            c20 = TLanes.MultiplyAdd(x, b0, c20);
            c21 = TLanes.MultiplyAdd(x, b1, c21);
            x = TLanes.Broadcast(*(float*)(a3 + offset));
            c30 = TLanes.MultiplyAdd(x, b0, c30);
            c31 = TLanes.MultiplyAdd(x, b1, c31);
            x = TLanes.Broadcast(*(float*)(a4 + offset));
            c40 = TLanes.MultiplyAdd(x, b0, c40);
            c41 = TLanes.MultiplyAdd(x, b1, c41);
            x = TLanes.Broadcast(*(float*)(a5 + offset));
            c50 = TLanes.MultiplyAdd(x, b0, c50);
            c51 = TLanes.MultiplyAdd(x, b1, c51);
            offset += (nint)step;
            b += bStep;
        }

        StoreRow<TVector, TLanes>(tile, 0, columns, c00, c01);
        if (rows > 1)
        {
            StoreRow<TVector, TLanes>(tile, 1, columns, c10, c11);
        }

        if (rows > 2)
        {
            StoreRow<TVector, TLanes>(tile, 2, columns, c20, c21);
        }

        if (rows > 3)
        {
            StoreRow<TVector, TLanes>(tile, 3, columns, c30, c31);
        }

        if (rows > 4)
        {
            StoreRow<TVector, TLanes>(tile, 4, columns, c40, c41);
        }

        if (rows > 5)
        {
            StoreRow<TVector, TLanes>(tile, 5, columns, c50, c51);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TVector, TLanes>(GemmTile* tile, int row, int columns, TVector left, TVector right)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        var c = (float*)((byte*)tile->C + row * tile->CRowStep);
        var alpha = TLanes.Broadcast(tile->Alpha);
        left = TLanes.Multiply(left, alpha);
        right = TLanes.Multiply(right, alpha);
        if (columns == 2 * TLanes.Count)
        {
            if (tile->Accumulate != 0)
            {
                left = TLanes.Add(left, TLanes.Load(c));
                right = TLanes.Add(right, TLanes.Load(c + TLanes.Count));
            }

            TLanes.Store(left, c);
            TLanes.Store(right, c + TLanes.Count);
        }
        else
        {
            StorePartOfRow<TVector, TLanes>(c, tile->Accumulate != 0, columns, left, right);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StorePartOfRow<TVector, TLanes>(float* c, bool accumulate, int columns, TVector left, TVector right)
        where TVector : struct
        where TLanes : struct, ILanes<TVector>
    {
        var values = stackalloc float[2 * TLanes.Count];
        TLanes.Store(left, values);
        TLanes.Store(right, values + TLanes.Count);
        for (var j = 0; j < columns; j++)
        {
            c[j] = accumulate ? values[j] + c[j] : values[j];
        }
    }
}
