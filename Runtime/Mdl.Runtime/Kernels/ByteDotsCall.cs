using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// One call of a kernel that multiplies a few rows with some columns of a matrix in blocks of integers, one or four at a time. The assembled kernels read the
/// fields at the offsets declared here.
/// </summary>
internal unsafe struct ByteDotsCall
{
    /// <summary>Most rows of a call.</summary>
    public const int Rows = 4;

    /// <summary>Columns at a time, if it is not one.</summary>
    public const int Columns = 4;

    /// <summary>Elements along the contraction that are multiplied at once: four blocks, with four lanes each.</summary>
    public const int Step = 128;

    /// <summary>
    /// Bytes of a step of a row, vectors of 16 lanes: the integers that sums begin with, the upper parts of the elements in the first and in the second halves of
    /// the blocks, the lower parts likewise, and the scales of the lanes in single precision.
    /// </summary>
    public const int StepBytes = 6 * 64;

    /// <summary>What is done to bytes to take the sign from them, or which of their bits count.</summary>
    public Vector512<byte> Mask;

    /// <summary>Moves four scales in bfloat16 to where single precision has them, each in four lanes.</summary>
    public Vector512<byte> Scales;

    /// <summary>The rows.</summary>
    public byte* A;

    /// <summary>Bytes between rows.</summary>
    public long ARowStep;

    /// <summary>The first column.</summary>
    public byte* B;

    /// <summary>Bytes between columns.</summary>
    public long BColumnStep;

    /// <summary>The scales of the first column.</summary>
    public byte* S;

    /// <summary>Bytes between the scales of columns.</summary>
    public long SColumnStep;

    /// <summary>Steps of the contraction; at least one.</summary>
    public long Steps;

    /// <summary>How often as many columns as are taken at a time; at least one. The kernel counts down to 0.</summary>
    public long Groups;

    /// <summary>Bytes from the end of a column to the first that is taken next.</summary>
    public long BNext;

    /// <summary>As <see cref="BNext"/>, for the scales.</summary>
    public long SNext;

    /// <summary>Bytes to what is needed later and fetched into the second-level cache now.</summary>
    public long Ahead;

    /// <summary>Sixteen parts of the sum of each column of each row, [groups, rows, columns at a time]. The kernel moves on to their end.</summary>
    public float* Sums;
}
