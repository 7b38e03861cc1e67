using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Checkpoints;

public sealed class Float8Tests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mdl-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Values of the format's definition: 2^-9 is the smallest, 448 the largest.
    [Fact]
    public void Blocks_of_bytes_are_multiplied_by_their_scales()
    {
        const int Rows = 130;
        const int Columns = 129;
        var bytes = new byte[Rows * Columns];
        bytes[0] = 0x38;
        bytes[1] = 0x01;
        bytes[128] = 0x7E;
        bytes[(129 * Columns) + 1] = 0xB8;
        bytes[(129 * Columns) + 128] = 0x40;
        float[] scales = [2, 4, 8, 16];
        var header = $$"""
            {"w":{"dtype":"F8_E4M3","shape":[130,129],"data_offsets":[0,{{bytes.Length}}] },"w_scale_inv":{"dtype":"F32","shape":[2,2],"data_offsets":[{{bytes.Length}},{{bytes.Length + 16}}] } }
            """;
        var json = System.Text.Encoding.UTF8.GetBytes(header.Trim());
        File.WriteAllBytes(
            Path.Combine(_folder, "model.safetensors"),
            [.. BitConverter.GetBytes((long)json.Length), .. json, .. bytes, .. scales.SelectMany(BitConverter.GetBytes)]);
        File.WriteAllText(Path.Combine(_folder, "config.json"), "{}");
        var info = new ModelInfo(
            "Blocks", [new ParameterInfo("w", 0, [Rows, Columns], 0, 0, new Initializer(true, 1), false)], 16784, 16784, 1, 0, BigramModel.Settings, []);
        var collected = new Collected(Rows * Columns);
        using (var folder = HuggingFaceFolder.Open(_folder, info, [new CheckpointMap("Plain", [new TensorPattern(0, "w")], [])]))
        {
            folder.ReadTo(collected);
        }

        var expected = new float[Rows * Columns];
        expected[0] = 2;
        expected[1] = 2 / 512f;
        expected[128] = 448 * 4;
        expected[(129 * Columns) + 1] = -8;
        expected[(129 * Columns) + 128] = 32;
        Assert.Equal(expected, collected.Values);
    }

    private sealed class Collected(int size) : IWeightDestination
    {
        public float[] Values { get; } = [.. Enumerable.Repeat(float.NaN, size)];

        public void Store(int parameter, int instance, long begin, ReadOnlySpan<float> values) => values.CopyTo(Values.AsSpan((int)begin));
    }
}
