using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>
/// Products of matrices in any format: any strides, any sizes, sums in single precision. The product must not overlap the operands. With an arithmetic of
/// <see cref="ElementFormat.BFloat16"/> both operands are rounded to bfloat16 when they are read; no other is known.
/// Kernels are compiled for the formats, and for the sizes that are known before: see <see cref="IlgpuDevice.SpecializesProducts"/>.
/// </summary>
public static class Gemm
{
    /// <summary>c[m,n] = a[m,k] b[k,n], or c += a b; rows of c are contiguous and ldc floats apart.</summary>
    public static void Run(
        IlgpuDevice team, Matrix a, Matrix b, ArrayView<float> c, long ldc, int m, int n, int k, bool accumulate, ElementFormat arithmetic = ElementFormat.Single,
        KnownSizes known = default) =>
        Batched(team, a, 0, b, 0, c, ldc, 0, 1, m, n, k, accumulate, arithmetic, known);

    /// <summary>c[i] = a[i] b[i] for each batch i, whose operands begin i times the given numbers of floats after the first; or c[i] += a[i] b[i].</summary>
    public static void Batched(
        IlgpuDevice team, Matrix a, long aBatch, Matrix b, long bBatch, ArrayView<float> c, long ldc, long cBatch, int batches, int m, int n, int k, bool accumulate,
        ElementFormat arithmetic = ElementFormat.Single, KnownSizes known = default)
    {
        ArgumentNullException.ThrowIfNull(team);
        var kernel = new GemmKernel
        {
            A = a.Left(), B = b.Right(), C = c, M = m, N = n, K = k, Ldc = (int)ldc, ABatch = (int)aBatch, BBatch = (int)bBatch, CBatch = (int)cBatch,
        };
        var groups = (long)batches * ProductTile.Count(m) * ProductTile.Count(n);
        team.Launch(GemmKernel.Run, groups, kernel, Sizes(team, known, a.Data, b.Data, accumulate, arithmetic));
    }

    /// <summary>
    /// The products of experts: rows offsets[e] .. offsets[e+1]-1 of y[rows,n] are the same rows of x times w[e], which is [k,n], or [n,k] if
    /// <paramref name="transposeRight"/>. Rows of y from offsets[experts] on are set to 0. The rows of x may be gathered. With
    /// <paramref name="accumulate"/> the products are added to y, and rows without an expert stay as they are.
    /// </summary>
    public static void Grouped(
        IlgpuDevice team, Matrix x, DeviceWeight w, bool transposeRight, ArrayView<int> offsets, int experts, ArrayView<float> y, int rows, int n, int k,
        bool accumulate = false, ElementFormat arithmetic = ElementFormat.Single, KnownSizes known = default)
    {
        ArgumentNullException.ThrowIfNull(team);
        // The tiles of experts are only known on the device; there are at most this many.
        var rowTiles = (rows / ProductTile.Size) + experts + 1;
        var kernel = new GroupedKernel
        {
            X = x.Left(), W = (transposeRight ? Matrix.Transposed(w, k) : Matrix.RowMajor(w, n)).Right(), Offsets = offsets, Y = y,
            Experts = experts, Rows = rows, N = n, K = k,
        };
        team.Launch(GroupedKernel.Run, (long)rowTiles * ProductTile.Count(n), kernel, Sizes(team, known, x.Data, w, accumulate, arithmetic));
    }

    /// <summary>
    /// The weight gradients of experts: c[e][p,q] is the transpose of the expert's rows of a[rows,p] times its rows of b[rows,q]. Experts without
    /// rows get zeros. The rows of a and of b may be gathered.
    /// </summary>
    public static void GroupedOuter(
        IlgpuDevice team, Matrix a, Matrix b, ArrayView<int> offsets, int experts, ArrayView<float> c, int p, int q, ElementFormat arithmetic = ElementFormat.Single,
        KnownSizes known = default)
    {
        ArgumentNullException.ThrowIfNull(team);
        var kernel = new GroupedOuterKernel { A = a.Right(), B = b.Right(), Offsets = offsets, C = c, P = p, Q = q };
        var groups = (long)experts * ProductTile.Count(p) * ProductTile.Count(q);
        team.Launch(GroupedOuterKernel.Run, groups, kernel, Sizes(team, known, a.Data, b.Data, accumulate: false, arithmetic));
    }

    private static ProductSizes Sizes(IlgpuDevice team, KnownSizes known, DeviceWeight left, DeviceWeight right, bool accumulate, ElementFormat arithmetic)
    {
        var (m, n, k) = team.SpecializesProducts ? known : default;
        return new()
        {
            M = m, N = n, K = k, Left = left.Format, Right = right.Format, Rounds = arithmetic == ElementFormat.BFloat16 ? 1 : 0, Accumulate = accumulate ? 1 : 0,
        };
    }
}

internal struct GemmKernel
{
    public Operand A;
    public Operand B;
    public ArrayView<float> C;
    public int M, N, K, Ldc, ABatch, BBatch, CBatch;

    public static void Run(GemmKernel k, SpecializedValue<ProductSizes> known)
    {
        var s = ProductSizes.Of(known.Value, k.M, k.N, k.K);
        var left = SharedMemory.Allocate<float>(ProductTile.Shared);
        var right = SharedMemory.Allocate<float>(ProductTile.Shared);
        var columns = ProductTile.Count(s.N);
        var tiles = ProductTile.Count(s.M) * columns;
        var (batch, tile) = (Grid.IdxX / tiles, Grid.IdxX % tiles);
        var (row, column) = (tile / columns * ProductTile.Size, tile % columns * ProductTile.Size);
        var product = ProductTile.Run(s, k.A, batch * k.ABatch, k.B, batch * k.BBatch, row, column, s.M, 0, s.K, left, right);
        ProductTile.Store(product, s, k.C, batch * k.CBatch, k.Ldc, row, column, s.M);
    }
}

internal struct GroupedKernel
{
    public Operand X;
    public Operand W;
    public ArrayView<int> Offsets;
    public ArrayView<float> Y;
    public int Experts, Rows, N, K;

    public static void Run(GroupedKernel k, SpecializedValue<ProductSizes> known)
    {
        var s = ProductSizes.Of(known.Value, 0, k.N, k.K);
        var left = SharedMemory.Allocate<float>(ProductTile.Shared);
        var right = SharedMemory.Allocate<float>(ProductTile.Shared);
        var columns = ProductTile.Count(s.N);
        var column = Grid.IdxX % columns * ProductTile.Size;
        // Experts in order, each with its tiles; the rows after the last one's are an expert whose products are zeros.
        var tile = Grid.IdxX / columns;
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
        var depth = expert < k.Experts ? s.K : 0;
        var product = ProductTile.Run(s, k.X, 0, k.W, expert * s.N * s.K, row, column, end, 0, depth, left, right);
        ProductTile.Store(product, s, k.Y, 0, s.N, row, column, end);
    }
}

internal struct GroupedOuterKernel
{
    public Operand A;
    public Operand B;
    public ArrayView<int> Offsets;
    public ArrayView<float> C;
    public int P, Q;

    public static void Run(GroupedOuterKernel k, SpecializedValue<ProductSizes> known)
    {
        var s = ProductSizes.Of(known.Value, k.P, k.Q, 0);
        var left = SharedMemory.Allocate<float>(ProductTile.Shared);
        var right = SharedMemory.Allocate<float>(ProductTile.Shared);
        var columns = ProductTile.Count(s.N);
        var tiles = ProductTile.Count(s.M) * columns;
        var (expert, tile) = (Grid.IdxX / tiles, Grid.IdxX % tiles);
        var (row, column) = (tile / columns * ProductTile.Size, tile % columns * ProductTile.Size);
        var product = ProductTile.Run(s, k.A, 0, k.B, 0, row, column, s.M, k.Offsets[expert], k.Offsets[expert + 1], left, right);
        ProductTile.Store(product, s, k.C, expert * s.M * s.N, s.N, row, column, s.M);
    }
}
