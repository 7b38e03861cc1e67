namespace Mdl.Runtime.Models;

/// <summary>
/// How a model holds its matrices. Vectors, states and what the source declares <c>in f32</c> stay in single precision; so do matrices whose rows are no
/// whole number of blocks. Formats other than <see cref="Single"/> serve inference on the host.
/// </summary>
public enum WeightFormat
{
    /// <summary>Single precision; 32 bits a number. The only format that can be trained.</summary>
    Single,

    /// <summary>bfloat16; 16 bits a number, relative error up to 2^-9.</summary>
    BFloat16,

    /// <summary>Integers of 8 bits in blocks of 32 with a bfloat16 scale; 8.5 bits a number, error up to 1/253 of the largest number of the block.</summary>
    Int8,

    /// <summary>Integers of 4 bits in blocks of 32 with a bfloat16 scale; 4.5 bits a number, error up to 1/8 of the largest number of the block.</summary>
    Int4,

    /// <summary>E4M3 floating point in blocks of 128 with a single-precision scale; 8.25 bits a number, relative error up to 2^-4.</summary>
    Float8,
}
