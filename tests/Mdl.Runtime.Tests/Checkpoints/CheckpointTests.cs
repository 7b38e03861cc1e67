using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Mdl.Runtime.Tests.Models;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Checkpoints;

public sealed unsafe class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_comes_back_bit_by_bit()
    {
        using var model = BigramModel.Create(1);
        using var other = BigramModel.Create(2);
        var path = _folder.File("sub/model.safetensors");
        Checkpoint.SaveModel(model, path, new Dictionary<string, string> { ["note"] = "ä\n\"" });
        Checkpoint.LoadModel(other, path);
        Assert.Equal(WeightInitializerTests.Floats(model), WeightInitializerTests.Floats(other));

        using var file = SafetensorsFile.Open(path);
        Assert.Equal(["layers[0].gain", "layers[1].gain", "router.bias", "table"], file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("ä\n\"", file.Metadata["note"]);
        Assert.Equal("Bigram", file.Metadata["model"]);
    }

    [Fact]
    public void Lists_all_that_does_not_fit_and_changes_nothing()
    {
        using var model = BigramModel.Create(1);
        var before = WeightInitializerTests.Floats(model);
        var writer = new SafetensorsWriter();
        writer.Add("table", new Tensor(model.Weights, [144]));
        writer.Add("router.bias", model.GetTensor(2));
        writer.Add("extra", new Tensor(model.Weights, [1]));
        var path = _folder.File("other.safetensors");
        writer.Save(path);

        var message = Assert.Throws<SafetensorsException>(() => Checkpoint.LoadModel(model, path)).Message;
        Assert.Equal(
            $"{path}: does not fit model Bigram: 2 missing: layers[0].gain, layers[1].gain; 1 unexpected: extra; "
            + "1 mismatched: table is F32 [144] instead of F32 [12, 12].",
            message);
        Assert.Equal(before, WeightInitializerTests.Floats(model));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_and_no_other()
    {
        var path = _folder.Write("model.safetensors", "old"u8);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old"u8.ToArray(), File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public void The_old_file_stays_whole_until_the_new_one_is_complete()
    {
        var path = _folder.Write("model.safetensors", "old"u8);
        // What a killed process leaves: a half-written temporary file. The next save overwrites it.
        _folder.Write("model.safetensors.tmp", "half of something longer"u8);
        AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            stream.Flush();
            Assert.Equal("old"u8.ToArray(), File.ReadAllBytes(path));
        });
        Assert.Equal("new"u8.ToArray(), File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public void Data_begins_at_a_multiple_of_64_bytes()
    {
        using var model = BigramModel.Create(1);
        var path = _folder.File("model.safetensors");
        Checkpoint.SaveModel(model, path);
        var bytes = File.ReadAllBytes(path);
        Assert.Equal(0, (8 + BitConverter.ToInt64(bytes)) % 64);
        Assert.Equal(8 + BitConverter.ToInt64(bytes) + (4 * (144 + 24 + 4)), bytes.Length);
    }
}
