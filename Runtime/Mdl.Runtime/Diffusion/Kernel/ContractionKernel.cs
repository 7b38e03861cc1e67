using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The streaming softmax by matrix products: |x - X|^2 = |x|^2 - 2 x X + |X|^2, in tiles of queries by data that stay in the caches. Exact to about
/// 6e-7 |x|^2 / t in the exponent, so data are centred, and only for d and t where that is little.
/// </summary>
internal static unsafe class ContractionKernel
{
    private const int TileFloats = 1 << 20;

    // Moments of d numbers are read and written once a tile, so that many dimensions want many points.
    private const int FewestPoints = 512;
    private const int MostPoints = 2048;
    private const int RowsPerChunk = 16;
    private const int Lanes = 16;

    private struct Tile
    {
        public float* Exponents;
        public float* Points;
        public float* HalfNorms;
        public float* Sums;
        public float* Moments;
        public float* References;
        public float* QueryNorms;
        public float Factor;
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
        using var hold = call.Team.Hold();
        var memory = (float*)call.Team.SharedScratch(sizeof(float) * ((most * ((long)ld + (2 * d) + 3)) + 64));
        for (var first = 0; first < call.Count; first += most)
        {
            var rows = Math.Min(most, call.Count - first);
            var tile = new Tile
            {
                Exponents = memory, Moments = memory + ((long)most * ld), HalfNorms = halfNorms, Ld = ld, Width = d, Rows = rows, First = first,
                Factor = (float)(2 * call.Scale), Arguments = Unsafe.AsPointer(ref call),
            };
            var queries = tile.Moments + ((long)most * d);
            tile.Points = queries;
            tile.Sums = queries + ((long)most * d);
            tile.References = tile.Sums + most;
            tile.QueryNorms = tile.References + most;
            var chunks = (rows + RowsPerChunk - 1) / RowsPerChunk;
            call.Team.Run(&Begin, &tile, chunks);
            for (var point = 0; point < n; point += tilePoints)
            {
                var x = points + ((long)point * d);
                tile.Columns = Math.Min(tilePoints, n - point);
                tile.HalfNorms = halfNorms + point;
                Gemm.Run(call.Team, Matrix.RowMajor(queries, d), Matrix.Transposed(x, d), tile.Exponents, ld, rows, tile.Columns, d, accumulate: false);
                call.Team.Run(&Weigh, &tile, chunks);
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
                var e = Rows.Exp2(Vector512.Load(exponents + i) + shift);
                e.Store(exponents + i);
                sum += e;
            }

            tile.Sums[row] += Rows.Sum(sum);
        }
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
