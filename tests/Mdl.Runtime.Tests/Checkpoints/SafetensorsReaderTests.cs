using System.Buffers.Binary;
using System.Text;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Checkpoints;

public sealed class SafetensorsReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_all_float_types_as_f32()
    {
        var data = new byte[24];
        BinaryPrimitives.WriteSingleLittleEndian(data, 1.25f);
        BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(4), -2f);
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(8), (Half)0.5f);
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(10), Half.Epsilon);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(12), 0x3FC0);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(14), 0xFF80);
        var path = Write(
            """
            {"__metadata__":{"a":"b"},"f":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},
            "h":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},"none":{"dtype":"F32","shape":[3,0],"data_offsets":[16,16]},
            "i":{"dtype":"I64","shape":[],"data_offsets":[16,24]}}
            """,
            data);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("b", file.Metadata["a"]);
        Assert.Equal([1.25f, -2f], Read(file, "f", 2));
        Assert.Equal([0.5f, (float)Half.Epsilon], Read(file, "h", 2));
        Assert.Equal([1.5f, float.NegativeInfinity], Read(file, "b", 2));
        Assert.Empty(Read(file, "none", 0));
        AssertFails("type I64", () => Read(file, "i", 1));
        AssertFails("no tensor \"x\"", () => Read(file, "x", 1));
        AssertFails("has 2 elements, not 3", () => Read(file, "f", 3));
    }

    [Theory]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "\"t\" needs 8 bytes")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "\"t\" has data_offsets [0, 4]")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "must be in order")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "neither overlap nor leave gaps")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "fill 4 bytes, but 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, "\"b\" begins at byte 2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "neither overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "\"a\" occurs twice")]
    [InlineData("""{"t":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype \"Q7\"")]
    [InlineData("""{"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}""", 4, "more elements than a file can hold")]
    [InlineData("""{"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "whole number")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "whole number")]
    [InlineData("""{"t":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "not an array")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}""", 4, "whole number")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "two data_offsets")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1]}}""", 4, "must have a dtype")]
    [InlineData("""{"t":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}""", 4, "field \"dtype\"")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":{}}}""", 4, "field \"x\"")]
    [InlineData("""{"t":7}""", 4, "described by an object")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "must be one string")]
    [InlineData("""{"__metadata__":[]}""", 0, "object of strings")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""", 4, "not valid JSON")]
    [InlineData("""{} x""", 0, "not valid JSON")]
    [InlineData("""[]""", 0, "must be a JSON object")]
    [InlineData("", 0, "must be a JSON object")]
    [InlineData("""{"a\ud800":{}}""", 0, "not valid JSON")]
    public void Refuses_a_broken_header(string header, int dataLength, string expected)
    {
        var path = Write(header, new byte[dataLength]);
        AssertFails(expected, () => SafetensorsFile.Open(path));
    }

    [Fact]
    public void Refuses_a_header_longer_than_the_file_without_allocating_it()
    {
        foreach (var length in new[] { 100ul, 1ul << 30, ulong.MaxValue })
        {
            var bytes = new byte[64];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
            var path = _folder.Write("huge.safetensors", bytes);
            var before = GC.GetAllocatedBytesForCurrentThread();
            AssertFails($"announces a header of {length} bytes", () => SafetensorsFile.Open(path));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Fact]
    public void Refuses_files_that_are_missing_empty_or_cut_anywhere()
    {
        AssertFails("cannot be opened", () => SafetensorsFile.Open(_folder.File("missing")));
        var path = Write("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length++)
        {
            var cut = _folder.Write("cut.safetensors", whole.AsSpan(0, length));
            AssertFails("cut.safetensors", () => SafetensorsFile.Open(cut));
        }
    }

    [Fact]
    public void Every_flipped_bit_of_the_header_gives_a_file_or_a_clear_error()
    {
        var path = Write("""{"__metadata__":{"a":"b"},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);
        var whole = File.ReadAllBytes(path);
        for (var bit = 0; bit < (whole.Length - 8) * 8; bit++)
        {
            var bytes = whole.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var flipped = _folder.Write("flipped.safetensors", bytes);
            if (Record.Exception(() => SafetensorsFile.Open(flipped).Dispose()) is { } exception)
            {
                Assert.IsType<SafetensorsException>(exception);
                Assert.DoesNotContain('\n', exception.Message);
            }
        }
    }

    private static float[] Read(SafetensorsFile file, string name, int size)
    {
        var values = new float[size];
        file.Read(name, values);
        return values;
    }

    private static void AssertFails(string expected, Action action)
    {
        var exception = Assert.Throws<SafetensorsException>(action);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private static void AssertFails<T>(string expected, Func<T> action) => AssertFails(expected, () => { action(); });

    private string Write(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)json.Length);
        json.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + json.Length);
        return _folder.Write("test.safetensors", bytes);
    }
}
