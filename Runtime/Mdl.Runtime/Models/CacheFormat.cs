namespace Mdl.Runtime.Models;

/// <summary>How a key/value cache holds its numbers. Attention computes in single precision whatever the format.</summary>
public enum CacheFormat
{
    /// <summary>Single precision, 4 bytes a number: nothing is lost.</summary>
    Single,

    /// <summary>The upper half of single precision, 2 bytes: each number is off by at most 2^-9 of itself.</summary>
    BFloat16,

    /// <summary>1 byte, and a scale for each token and head: each number is off by at most 1/254 of the largest of its head.</summary>
    SByte,
}
