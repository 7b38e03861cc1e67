using System.Text;

namespace Mdl.Runtime.RandomNumbers;

/// <summary>
/// The 64-bit FNV-1a hash. It names random streams and texts and is written into checkpoints, so unlike <see cref="HashCode"/> it is the
/// same in every process.
/// </summary>
public static class StableHash
{
    private const ulong OffsetBasis = 0xCBF29CE484222325;
    private const ulong Prime = 0x100000001B3;

    /// <summary>The hash of the UTF-8 bytes of a text.</summary>
    public static ulong Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <summary>The hash of bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = OffsetBasis;
        foreach (var value in bytes)
        {
            hash = (hash ^ value) * Prime;
        }

        return hash;
    }
}
