using System.Buffers.Binary;
using System.Text;

namespace Moons.Sample;

/// <summary>Joins PNG pictures of one size to one that moves (APNG, PNG specification 3, 2025); what does not know it shows the first picture.</summary>
internal static class AnimatedPng
{
    private const int SignatureLength = 8;

    /// <summary>Writes the pictures, over and over again.</summary>
    /// <param name="stream">Where they go.</param>
    /// <param name="frames">PNG files of the same size and format.</param>
    /// <param name="milliseconds">How long each is shown.</param>
    /// <exception cref="ArgumentException">The pictures differ in size or format.</exception>
    public static void Write(Stream stream, IReadOnlyList<byte[]> frames, Func<int, int> milliseconds)
    {
        var header = Chunks(frames[0]).First(c => c.Name == "IHDR").Data;
        stream.Write(frames[0].AsSpan(0, SignatureLength));
        Chunk(stream, "IHDR", header);

        // Frames, and 0 for endless repetition.
        Chunk(stream, "acTL", Numbers((uint)frames.Count, 0));
        uint number = 0;
        for (var i = 0; i < frames.Count; i++)
        {
            var chunks = Chunks(frames[i]);
            if (!chunks.First(c => c.Name == "IHDR").Data.AsSpan().SequenceEqual(header))
            {
                throw new ArgumentException($"Picture {i} has another size or format than the first.", nameof(frames));
            }

            // The whole picture, at (0, 0); the time as a fraction; no disposal, no blending.
            var size = header.AsSpan(0, 8).ToArray();
            byte[] time = [(byte)(milliseconds(i) >> 8), (byte)milliseconds(i), 1000 >> 8, 1000 & 255, 0, 0];
            Chunk(stream, "fcTL", [.. Numbers(number++), .. size, .. Numbers(0, 0), .. time]);
            foreach (var (_, data) in chunks.Where(c => c.Name == "IDAT"))
            {
                Chunk(stream, i == 0 ? "IDAT" : "fdAT", i == 0 ? data : [.. Numbers(number++), .. data]);
            }
        }

        Chunk(stream, "IEND", []);
    }

    private static List<(string Name, byte[] Data)> Chunks(byte[] png)
    {
        var chunks = new List<(string, byte[])>();
        for (var at = SignatureLength; at < png.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            chunks.Add((Encoding.ASCII.GetString(png, at + 4, 4), png.AsSpan(at + 8, length).ToArray()));
            at += length + 12;
        }

        return chunks;
    }

    private static byte[] Numbers(params ReadOnlySpan<uint> numbers)
    {
        var bytes = new byte[4 * numbers.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4 * i), numbers[i]);
        }

        return bytes;
    }

    private static void Chunk(Stream stream, string name, byte[] data)
    {
        byte[] checkedPart = [.. Encoding.ASCII.GetBytes(name), .. data];
        stream.Write(Numbers((uint)data.Length));
        stream.Write(checkedPart);
        stream.Write(Numbers(Checksum(checkedPart)));
    }

    // CRC-32 as PNG has it.
    private static uint Checksum(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }
}
