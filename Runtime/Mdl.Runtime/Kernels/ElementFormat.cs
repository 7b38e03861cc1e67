namespace Mdl.Runtime.Kernels;

/// <summary>How numbers are held in memory, and in what form operands are multiplied; sums are always wider.</summary>
public enum ElementFormat
{
    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    Single,

    /// <summary>The upper half of single precision, 2 bytes: 8 bits of exponent, 7 of fraction; rounded to nearest, ties to even.</summary>
    BFloat16,

    /// <summary>Signed integers of 1 byte.</summary>
    SByte,
}
