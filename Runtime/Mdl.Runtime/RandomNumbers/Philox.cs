using System.Runtime.CompilerServices;

namespace Mdl.Runtime.RandomNumbers;

/// <summary>
/// The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). A number
/// depends only on the seed, the stream and its index, never on what was drawn before, so that any thread or device draws the same.
/// </summary>
/// <param name="seed">The key.</param>
/// <param name="stream">The upper half of the counter; different streams of one seed are independent.</param>
public readonly struct Philox(ulong seed, ulong stream)
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The four 32-bit numbers at one counter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (uint X, uint Y, uint Z, uint W) Block(ulong counter) =>
        Block((uint)counter, (uint)(counter >> 32), (uint)stream, (uint)(stream >> 32), (uint)seed, (uint)(seed >> 32));

    /// <summary>The 64-bit number at an index.</summary>
    public ulong UInt64(ulong index)
    {
        var (x, y, z, w) = Block(index >> 1);
        return (index & 1) == 0 ? ((ulong)y << 32) | x : ((ulong)w << 32) | z;
    }

    /// <summary>The uniform number in [0, 1) at an index, with 53 random bits.</summary>
    public double Double(ulong index) => (UInt64(index) >> 11) * (1.0 / (1UL << 53));

    /// <summary>The number below <paramref name="bound"/> at an index. The bias is below bound / 2^64.</summary>
    public long Below(ulong index, long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (long)Math.BigMul(UInt64(index), (ulong)bound, out _);
    }

    /// <summary>Philox4x32-10 as published: a counter of four words and a key of two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (uint X, uint Y, uint Z, uint W) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var product0 = (ulong)Multiplier0 * c0;
            var product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }
}
