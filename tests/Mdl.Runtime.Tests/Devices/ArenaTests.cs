using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Tests.Devices;

public sealed class ArenaTests
{
    [Fact]
    public void More_memory_than_the_machine_has_is_refused_at_once()
    {
        var exception = Assert.Throws<InsufficientMemoryException>(() => new Arena(1L << 50));
        Assert.Contains("1073741824 MiB are needed", exception.Message);
    }

    [Fact]
    public unsafe void Memory_is_zero_and_aligned()
    {
        using var arena = new Arena(1000);
        Assert.Equal(0, (long)arena.Memory % 64);
        Assert.True(new Span<byte>(arena.Memory, 1000).IndexOfAnyExcept((byte)0) < 0);
    }
}
