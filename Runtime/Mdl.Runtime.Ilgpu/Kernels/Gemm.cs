using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>
/// Products of matrices in any format: any strides, any sizes, sums in single precision. The product must not overlap the operands. With an arithmetic of
/// <see cref="ElementFormat.BFloat16"/> both operands are rounded to bfloat16 when they are read; no other is known.
/// </summary>
public static class Gemm
{
    private const int Tile = ProductTile.Size;

    /// <summary>c[m,n] = a[m,k] b[k,n], or c += a b; rows of c are contiguous and ldc floats apart.</summary>
    public static void Run(
        IlgpuDevice team, Matrix a, Matrix b, ArrayView<float> c, long ldc, int m, int n, int k, bool accumulate, ElementFormat arithmetic = ElementFormat.Single) =>
        Batched(team, a, 0, b, 0, c, ldc, 0, 1, m, n, k, accumulate, arithmetic);

    /// <summary>c[i] = a[i] b[i] for each batch i, whose operands begin i times the given numbers of floats after the first; or c[i] += a[i] b[i].</summary>
    public static void Batched(
        IlgpuDevice team, Matrix a, long aBatch, Matrix b, long bBatch, ArrayView<float> c, long ldc, long cBatch, int batches, int m, int n, int k, bool accumulate,
        ElementFormat arithmetic = ElementFormat.Single)
    {
        var rows = Tiles(m);
        team.Launch(GemmKernel.Run, (long)batches * rows * Tiles(n), new GemmKernel
        {
            A = a.Left(), B = b.Right(), C = c, M = m, N = n, K = k, RowTiles = rows, ColumnTiles = Tiles(n), Ldc = (int)ldc,
            ABatch = (int)aBatch, BBatch = (int)bBatch, CBatch = (int)cBatch, Accumulate = accumulate ? 1 : 0, Rounds = Rounds(arithmetic),
        });
    }

    /// <summary>
    /// The products of experts: rows offsets[e] .. offsets[e+1]-1 of y[rows,n] are the same rows of x times w[e], which is [k,n], or [n,k] if
    /// <paramref name="transposeRight"/>. Rows of y from offsets[experts] on are set to 0. The rows of x may be gathered. With
    /// <paramref name="accumulate"/> the products are added to y, and rows without an expert stay as they are.
    /// </summary>
    public static void Grouped(
        IlgpuDevice team, Matrix x, DeviceWeight w, bool transposeRight, ArrayView<int> offsets, int experts, ArrayView<float> y, int rows, int n, int k,
        bool accumulate = false, ElementFormat arithmetic = ElementFormat.Single)
    {
        // The tiles of experts are only known on the device; there are at most this many.
        var rowTiles = (rows / Tile) + experts + 1;
        team.Launch(GroupedKernel.Run, (long)rowTiles * Tiles(n), new GroupedKernel
        {
            X = x.Left(), W = (transposeRight ? Matrix.Transposed(w, k) : Matrix.RowMajor(w, n)).Right(), Offsets = offsets, Y = y,
            Experts = experts, Rows = rows, N = n, K = k, ColumnTiles = Tiles(n), Accumulate = accumulate ? 1 : 0, Rounds = Rounds(arithmetic),
        });
    }

    /// <summary>
    /// The weight gradients of experts: c[e][p,q] is the transpose of the expert's rows of a[rows,p] times its rows of b[rows,q]. Experts without
    /// rows get zeros. The rows of a and of b may be gathered.
    /// </summary>
    public static void GroupedOuter(
        IlgpuDevice team, Matrix a, Matrix b, ArrayView<int> offsets, int experts, ArrayView<float> c, int p, int q, ElementFormat arithmetic = ElementFormat.Single) =>
        team.Launch(GroupedOuterKernel.Run, (long)experts * Tiles(p) * Tiles(q), new GroupedOuterKernel
        {
            A = a.Right(), B = b.Right(), Offsets = offsets, C = c, P = p, Q = q, RowTiles = Tiles(p), ColumnTiles = Tiles(q), Rounds = Rounds(arithmetic),
        });

    private static int Rounds(ElementFormat arithmetic) => arithmetic == ElementFormat.BFloat16 ? 1 : 0;

    private static int Tiles(int size) => (size + Tile - 1) / Tile;
}

internal struct GemmKernel
{
    public Operand A;
    public Operand B;
    public ArrayView<float> C;
    public int M, N, K, RowTiles, ColumnTiles, Ldc, ABatch, BBatch, CBatch, Accumulate, Rounds;

    public static void Run(GemmKernel k)
    {
        var left = SharedMemory.Allocate<float>(ProductTile.Shared);
        var right = SharedMemory.Allocate<float>(ProductTile.Shared);
        var tiles = k.RowTiles * k.ColumnTiles;
        var (batch, tile) = (Grid.IdxX / tiles, Grid.IdxX % tiles);
        var (row, column) = (tile / k.ColumnTiles * ProductTile.Size, tile % k.ColumnTiles * ProductTile.Size);
        var product = ProductTile.Run(k.A, batch * k.ABatch, k.B, batch * k.BBatch, row, column, k.M, k.N, 0, k.K, k.Rounds != 0, left, right);
        ProductTile.Store(product, k.C, batch * k.CBatch, k.Ldc, row, column, k.M, k.N, k.Accumulate != 0);
    }
}

internal struct GroupedKernel
{
    public Operand X;
    public Operand W;
    public ArrayView<int> Offsets;
    public ArrayView<float> Y;
    public int Experts, Rows, N, K, ColumnTiles, Accumulate, Rounds;

    public static void Run(GroupedKernel k)
    {
        var left = SharedMemory.Allocate<float>(ProductTile.Shared);
        var right = SharedMemory.Allocate<float>(ProductTile.Shared);
        var column = Grid.IdxX % k.ColumnTiles * ProductTile.Size;
        // Experts in order, each with its tiles; the rows after the last one's are an expert whose products are zeros.
        var tile = Grid.IdxX / k.ColumnTiles;
        var expert = 0;
        var begin = 0;
        var end = 0;
        while (expert <= k.Experts)
        {
            begin = k.Offsets[expert];
            end = expert < k.Experts ? k.Offsets[expert + 1] : k.Rows;
            var tiles = (end - begin + ProductTile.Size - 1) / ProductTile.Size;
            if (tile < tiles)
            {
                break;
            }

            tile -= tiles;
            expert++;
        }

        // A group without a tile computes and stores nothing. It does not leave early: not every compiler takes barriers behind a return.
        end = expert > k.Experts ? 0 : end;
        var row = begin + (tile * ProductTile.Size);
        var depth = expert < k.Experts ? k.K : 0;
        var product = ProductTile.Run(k.X, 0, k.W, expert * k.N * k.K, row, column, end, k.N, 0, depth, k.Rounds != 0, left, right);
        ProductTile.Store(product, k.Y, 0, k.N, row, column, end, k.N, k.Accumulate != 0);
    }
}

internal struct GroupedOuterKernel
{
    public Operand A;
    public Operand B;
    public ArrayView<int> Offsets;
    public ArrayView<float> C;
    public int P, Q, RowTiles, ColumnTiles, Rounds;

    public static void Run(GroupedOuterKernel k)
    {
        var left = SharedMemory.Allocate<float>(ProductTile.Shared);
        var right = SharedMemory.Allocate<float>(ProductTile.Shared);
        var tiles = k.RowTiles * k.ColumnTiles;
        var (expert, tile) = (Grid.IdxX / tiles, Grid.IdxX % tiles);
        var (row, column) = (tile / k.ColumnTiles * ProductTile.Size, tile % k.ColumnTiles * ProductTile.Size);
        var product = ProductTile.Run(k.A, 0, k.B, 0, row, column, k.P, k.Q, k.Offsets[expert], k.Offsets[expert + 1], k.Rounds != 0, left, right);
        ProductTile.Store(product, k.C, expert * k.P * k.Q, k.Q, row, column, k.P, k.Q, false);
    }
}
