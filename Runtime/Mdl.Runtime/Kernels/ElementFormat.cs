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

    /// <summary>
    /// Signed integers of 1 byte in blocks of 32 that share a scale in bfloat16; 8.5 bits a number. As a form of arithmetic: products of many rows with a
    /// matrix that is held in blocks of integers round the rows to such blocks too, where the processor multiplies bytes; all others are those in single precision.
    /// </summary>
    Int8Blocks,

    /// <summary>Integers of 4 bits, less 8, in blocks of 32 that share a scale in bfloat16; 4.5 bits a number. Only held.</summary>
    Int4Blocks,

    /// <summary>8-bit floating point with 4 bits of exponent and 3 of fraction (E4M3), in blocks of 128 that share a scale in single precision. Only held.</summary>
    Float8Blocks,
}
