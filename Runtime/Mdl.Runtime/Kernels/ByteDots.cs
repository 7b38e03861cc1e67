using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Assembly;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of few rows with matrices held in blocks of integers, as decoding needs them, multiplied as bytes. Rows are rounded to integers of 15 bits, which
/// share a scale in blocks of 32 and are off by at most a 32 638th of the block's largest. The matrix is read once for four rows, and a row's bits do not depend on the
/// others.
/// </summary>
internal static unsafe class ByteDots
{
    // 127 times 128 and 63: the upper part is a byte, the lower part has 7 bits.
    private const float Largest = 16319;

    private const int LongColumn = 1024;

    // Of a call: enough to outweigh it, and that rows, of which four fill the first-level cache, stay there for many columns.
    private const int MostSums = 64;

    // How far ahead a thread fetches, at least: what memory delivers while a line is on its way. All of it in the first-level cache would be more lines than that
    // can wait for at a time.
    private const int FarAhead = 6144;

    /// <summary>Whether the operands have the form: as <see cref="ByteBlocks.Fits"/>, and a contraction of whole steps.</summary>
    public static bool Fits(in Matrix a, in Matrix b, int k) => k % ByteDotsCall.Step == 0 && ByteBlocks.Fits(a, b, k);

    /// <summary>Bytes of rounded rows.</summary>
    public static long Bytes(int rows, int k) => rows * RowBytes(k);

    /// <summary>Rounds rows for a matrix of a format.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(in Matrix a, int rows, int k, ElementFormat format, byte* rounded)
    {
        // Half bytes are taken 16 times as large, because they stay where they are in the upper half of a byte.
        var factor = format == ElementFormat.Int8Blocks ? 1 : 0.0625f;
        for (var r = 0; r < rows; r++)
        {
            Round(a.Row(r), k, factor, rounded + (r * RowBytes(k)));
        }
    }

    /// <summary>c[rows, columns] (+)= a b, for some columns of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        ByteBlockKernels kernels, byte* rounded, int rows, in Matrix b, int column, int columns, int k, float* c, long ldc, bool accumulate)
    {
        var sums = stackalloc float[MostSums * 16];
        var halves = b.Format == ElementFormat.Int4Blocks;
        var start = b.Start + (column * b.ColumnStride);
        var call = new ByteDotsCall
        {
            Mask = Vector512.Create(halves ? (byte)0xF0 : (byte)0x80),
            Scales = Vector512.Create(
                Vector256.Create(Vector128.Create(Moved(0)), Vector128.Create(Moved(2))), Vector256.Create(Vector128.Create(Moved(4)), Vector128.Create(Moved(6)))).AsByte(),
            ARowStep = RowBytes(k),
            B = start.Data + (halves ? start.Element / 2 : start.Element),
            BColumnStep = halves ? b.ColumnStride / 2 : b.ColumnStride,
            S = start.Scales + (start.Element / 32 * sizeof(ushort)),
            SColumnStep = b.ColumnStride / 32 * sizeof(ushort),
            Steps = k / ByteDotsCall.Step,
        };
        for (var j = 0; j < columns;)
        {
            // A single row reads long columns one after the other, as memory likes best.
            var isOne = columns - j < ByteDotsCall.Columns || (rows == 1 && k >= LongColumn);
            var width = isOne ? 1 : ByteDotsCall.Columns;
            var near = width * call.BColumnStep;
            call.Ahead = isOne ? FarAhead : (FarAhead + near - 1) / near * near;
            call.BNext = near - (halves ? k / 2 : k);
            call.SNext = (width * call.SColumnStep) - (k / ByteTile.Block * sizeof(ushort));

            // Further rows find the columns in the second-level cache.
            var groups = Math.Min((columns - j) / width, MostSums / (Math.Min(rows, ByteDotsCall.Rows) * width));
            for (var i = 0; i < rows; i += ByteDotsCall.Rows)
            {
                var height = Math.Min(ByteDotsCall.Rows, rows - i);
                call.A = rounded + (i * RowBytes(k));
                call.Sums = sums;
                call.Groups = groups;
                kernels.Run(&call, height, isOne, halves);
                Add(sums, groups, height, width, c + (i * ldc) + j, ldc, accumulate);
            }

            call.B += groups * near;
            call.S += groups * width * call.SColumnStep;
            j += groups * width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sums, int groups, int height, int width, float* c, long ldc, bool accumulate)
    {
        for (var g = 0; g < groups; g++, c += width)
        {
            for (var r = 0; r < height; r++)
            {
                for (var target = c + (r * ldc); target < c + (r * ldc) + width; target++, sums += 16)
                {
                    *target = Vector512.Sum(Vector512.Load(sums)) + (accumulate ? *target : 0);
                }
            }
        }
    }

    private static long RowBytes(int k) => (long)k / ByteDotsCall.Step * ByteDotsCall.StepBytes;

    // Two bytes become the upper half of four; an index above 127 gives 0.
    private static uint Moved(uint first) => 0x8080u | (first << 16) | ((first + 1) << 24);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Round(float* x, int k, float factor, byte* rounded)
    {
        for (var i = 0; i < k; i += ByteTile.Block)
        {
            // A block has four lanes of the step's sixteen.
            var lanes = i % ByteDotsCall.Step / ByteTile.Block * 16;
            var step = rounded + ((long)i / ByteDotsCall.Step * ByteDotsCall.StepBytes) + lanes;
            var (low, high) = (Vector512.Load(x + i), Vector512.Load(x + i + 16));
            var scale = ByteBlocks.Largest(low, high) / Largest;
            var inverse = scale == 0 ? 0 : 1 / scale;
            var (p, q) = (Vector512.ConvertToInt32(Vector512.Round(low * inverse)), Vector512.ConvertToInt32(Vector512.Round(high * inverse)));

            // Sums begin with less than 0, because the bytes of the matrix are 128 more than its integers.
            (-SumsOfFour(p + q)).Store((int*)step);
            Write(p, step + 64, step + 192);
            Write(q, step + 128, step + 256);
            Vector128.Create(scale * factor).Store((float*)(step + 320));
        }
    }

    private static Vector128<int> SumsOfFour(Vector512<int> n)
    {
        var pairs = n + Vector512.Shuffle(n, Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
        var groups = pairs + Vector512.Shuffle(pairs, Vector512.Create(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
        return Vector128.Create(groups[0], groups[4], groups[8], groups[12]);
    }

    private static void Write(Vector512<int> n, byte* upper, byte* lower)
    {
        var tops = (n + Vector512.Create(64)) >> 7;
        ByteBlocks.Bytes(tops).Store((sbyte*)upper);
        ByteBlocks.Bytes(n - (tops << 7)).Store((sbyte*)lower);
    }
}
