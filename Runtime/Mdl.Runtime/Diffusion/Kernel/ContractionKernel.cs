using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The streaming softmax by matrix products: |x - X|^2 = |x|^2 - 2 x X + |X|^2, in tiles of queries by data that stay in the caches. Exact to about
/// 6e-7 |x|^2 / t in the exponent, so data are centred, and only for d and t where that is little. In many dimensions few data matter to a query: where few
/// weights of a tile are left, their points are added one by one in place of the second product.
/// </summary>
internal static unsafe class ContractionKernel
{
    private const int TileFloats = 1 << 20;

    // Moments of d numbers are read and written once a tile, so that many dimensions want many points.
    private const int FewestPoints = 512;
    private const int MostPoints = 2048;
    private const int RowsPerChunk = 16;
    private const int Lanes = 16;

    // A point added by itself costs about as much as eight in a product.
    private const int FewShare = 8;

    // e^-17 of the sum is below half a unit in the last place, for all data together.
    private const double CutOff = 17;

    private struct Tile
    {
        public float* Exponents;
        public float* Points;
        public float* HalfNorms;
        public float* Data;
        public float* Sums;
        public float* Moments;
        public float* References;
        public float* QueryNorms;
        public int* Lefts;
        public float Factor;
        public float Least;
        public int Ld;
        public int Width;
        public int Rows;
        public int Columns;
        public int First;
        public void* Arguments;

        public readonly ref KernelCall<float> Call => ref Unsafe.AsRef<KernelCall<float>>(Arguments);
    }

    /// <summary>Evaluates all queries.</summary>
    /// <param name="call">The evaluation.</param>
    /// <param name="points">The data, centred and in the unit, row after row.</param>
    /// <param name="halfNorms">Half the squared length of each.</param>
    public static void Run(ref KernelCall<float> call, float* points, float* halfNorms)
    {
        var d = call.Dimensions;
        var n = call.Data.Count;
        var tilePoints = Math.Clamp((4 * d) & -Lanes, FewestPoints, MostPoints);
        var most = Math.Min(call.Count, TileFloats / tilePoints);
        var ld = tilePoints + Lanes;
        var least = call.Skips ? -(float)((CutOff + Math.Log(n)) * Math.Log2(Math.E)) : float.NegativeInfinity;
        using var hold = call.Team.Hold();
        var memory = (float*)call.Team.SharedScratch(sizeof(float) * ((most * ((long)ld + (2 * d) + 4)) + 64));
        for (var first = 0; first < call.Count; first += most)
        {
            var rows = Math.Min(most, call.Count - first);
            var tile = new Tile
            {
                Exponents = memory, Moments = memory + ((long)most * ld), HalfNorms = halfNorms, Ld = ld, Width = d, Rows = rows, First = first,
                Factor = (float)(2 * call.Scale), Least = least, Arguments = Unsafe.AsPointer(ref call),
            };
            var queries = tile.Moments + ((long)most * d);
            tile.Points = queries;
            tile.Sums = queries + ((long)most * d);
            tile.References = tile.Sums + most;
            tile.QueryNorms = tile.References + most;
            tile.Lefts = (int*)(tile.QueryNorms + most);
            var chunks = (rows + RowsPerChunk - 1) / RowsPerChunk;
            call.Team.Run(&Begin, &tile, chunks);
            for (var point = 0; point < n; point += tilePoints)
            {
                var x = points + ((long)point * d);
                tile.Columns = Math.Min(tilePoints, n - point);
                tile.HalfNorms = halfNorms + point;
                tile.Data = x;
                Gemm.Run(call.Team, Matrix.RowMajor(queries, d), Matrix.Transposed(x, d), tile.Exponents, ld, rows, tile.Columns, d, accumulate: false);
                call.Team.Run(&Weigh, &tile, chunks);
                if (Sum(tile.Lefts, chunks) < (long)rows * tile.Columns / FewShare)
                {
                    call.Team.Run(&AddFew, &tile, chunks);
                    continue;
                }

                Gemm.Run(call.Team, Matrix.RowMajor(tile.Exponents, ld), Matrix.RowMajor(x, d), tile.Moments, d, rows, d, tile.Columns, accumulate: true);
            }

            call.Team.Run(&End, &tile, chunks);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Begin(void* arguments, int chunk, int worker)
    {
        ref var tile = ref *(Tile*)arguments;
        for (var row = chunk * RowsPerChunk; row < Math.Min((chunk + 1) * RowsPerChunk, tile.Rows); row++)
        {
            var norm = 0f;
            for (var j = 0; j < tile.Width; j++)
            {
                var value = (tile.Call.Queries[((tile.First + row) * (long)tile.Width) + j] - tile.Call.Centre[j]) / tile.Call.Unit;
                tile.Points[(row * (long)tile.Width) + j] = value;
                tile.Moments[(row * (long)tile.Width) + j] = 0;
                norm = MathF.FusedMultiplyAdd(value, value, norm);
            }

            tile.QueryNorms[row] = norm / 2;
            tile.References[row] = float.NegativeInfinity;
            tile.Sums[row] = 0;
        }
    }

    // From products to weights; the reference of a row is its largest exponent so far.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh(void* arguments, int chunk, int worker)
    {
        ref var tile = ref *(Tile*)arguments;
        var factor = Vector512.Create(tile.Factor);
        var least = Vector512.Create(tile.Least);
        var left = 0;
        for (var row = chunk * RowsPerChunk; row < Math.Min((chunk + 1) * RowsPerChunk, tile.Rows); row++)
        {
            var exponents = tile.Exponents + (row * (long)tile.Ld);
            var norm = Vector512.Create(tile.QueryNorms[row]);
            var largest = Vector512.Create(float.NegativeInfinity);
            var i = 0;
            for (; i + Lanes <= tile.Columns; i += Lanes)
            {
                var e = (Vector512.Load(exponents + i) - Vector512.Load(tile.HalfNorms + i) - norm) * factor;
                e.Store(exponents + i);
                largest = Vector512.MaxNative(largest, e);
            }

            for (; i < tile.Columns; i++)
            {
                exponents[i] = (exponents[i] - tile.HalfNorms[i] - norm.ToScalar()) * tile.Factor;
                largest = Vector512.MaxNative(largest, Vector512.Create(exponents[i]));
            }

            var padded = (tile.Columns + Lanes - 1) & -Lanes;
            for (; i < padded; i++)
            {
                exponents[i] = float.NegativeInfinity;
            }

            var reference = Math.Max(tile.References[row], Rows.Largest(largest));
            if (reference > tile.References[row])
            {
                Shrink(ref tile, row, float.Exp2(tile.References[row] - reference));
                tile.References[row] = reference;
            }

            var shift = Vector512.Create(-reference);
            var sum = Vector512<float>.Zero;
            for (i = 0; i < padded; i += Lanes)
            {
                var exponent = Vector512.Load(exponents + i) + shift;
                var matters = Vector512.GreaterThanOrEqual(exponent, least);
                var e = Rows.Exp2(exponent) & matters;
                left += BitOperations.PopCount(matters.ExtractMostSignificantBits());
                e.Store(exponents + i);
                sum += e;
            }

            tile.Sums[row] += Rows.Sum(sum);
        }

        tile.Lefts[chunk] = left;
    }

    // The points whose weights are left, in their order.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFew(void* arguments, int chunk, int worker)
    {
        ref var tile = ref *(Tile*)arguments;
        var d = tile.Width;
        for (var row = chunk * RowsPerChunk; row < Math.Min((chunk + 1) * RowsPerChunk, tile.Rows); row++)
        {
            var weights = tile.Exponents + (row * (long)tile.Ld);
            var moments = tile.Moments + (row * (long)d);
            for (var i = 0; i < tile.Columns; i++)
            {
                if (weights[i] == 0)
                {
                    continue;
                }

                var point = tile.Data + ((long)i * d);
                var weight = Vector512.Create(weights[i]);
                var j = 0;
                for (; j + Lanes <= d; j += Lanes)
                {
                    Vector512.FusedMultiplyAdd(weight, Vector512.Load(point + j), Vector512.Load(moments + j)).Store(moments + j);
                }

                for (; j < d; j++)
                {
                    moments[j] = MathF.FusedMultiplyAdd(weights[i], point[j], moments[j]);
                }
            }
        }
    }

    private static long Sum(int* counts, int length)
    {
        var sum = 0L;
        for (var i = 0; i < length; i++)
        {
            sum += counts[i];
        }

        return sum;
    }

    private static void Shrink(ref Tile tile, int row, float factor)
    {
        tile.Sums[row] *= factor;
        for (var j = 0; j < tile.Width; j++)
        {
            tile.Moments[(row * (long)tile.Width) + j] *= factor;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void End(void* arguments, int chunk, int worker)
    {
        ref var tile = ref *(Tile*)arguments;
        var work = (double*)tile.Call.Team.Scratch(worker, KernelResult.WorkDoubles(tile.Width) * sizeof(double));
        for (var row = chunk * RowsPerChunk; row < Math.Min((chunk + 1) * RowsPerChunk, tile.Rows); row++)
        {
            var shift = tile.Moments + (row * (long)tile.Width);
            for (var j = 0; j < tile.Width; j++)
            {
                shift[j] = (shift[j] / tile.Sums[row]) - tile.Points[(row * (long)tile.Width) + j];
            }

            var logSum = (tile.References[row] + Math.Log2(tile.Sums[row])) / Math.Log2(Math.E);
            KernelResult.Write(tile.Call, tile.First + row, logSum, shift, work);
        }
    }
}
