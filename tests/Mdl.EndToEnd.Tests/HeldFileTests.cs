using System.Text;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>Files of weights in short formats: what is loaded is what was held, where the file lies or copied.</summary>
public sealed class HeldFileTests : IDisposable
{
    private static readonly string Fixture = Path.Combine(AppContext.BaseDirectory, "ling-tiny");
    private readonly string _root = Directory.CreateTempSubdirectory("mdl-held-").FullName;

    private string File => Path.Combine(_root, "model.safetensors");

    public static TheoryData<WeightFormat> Formats => [WeightFormat.BFloat16, WeightFormat.Int8, WeightFormat.Int4, WeightFormat.Float8];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(Formats))]
    public void What_is_held_comes_back_to_the_bit(WeightFormat format)
    {
        using var held = LingBlocks.Create(seed: 3, weights: format);
        held.Save(File);
        using var again = LingBlocks.Load(File);
        Assert.Equal(format, again.WeightFormat);
        Assert.True(again.HasMtp);
        Assert.All(WeightErrors.Between(held, again), e => Assert.Equal(0, e.Largest));
        Assert.Equal(held.Forward([1, 2, 3, 4, 5]), again.Forward([1, 2, 3, 4, 5]));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_model_that_has_memory_already_takes_a_copy(WeightFormat format)
    {
        using var held = LingBlocks.Create(seed: 3, weights: format);
        held.Save(File);
        using var other = LingBlocks.Create(seed: 4, weights: format);
        using var program = other.CreateInferenceProgram(1, 4, 4);
        other.LoadWeights(File);
        Assert.All(WeightErrors.Between(held, other), e => Assert.Equal(0, e.Largest));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Another_format_is_converted(WeightFormat format)
    {
        using var held = LingBlocks.Create(seed: 3, weights: format);
        held.Save(File);
        using var floats = LingBlocks.Load(File, weights: WeightFormat.Single);
        Assert.All(WeightErrors.Between(floats, held), e => Assert.Equal(0, e.Largest));
        using var bytes = LingBlocks.Load(File, weights: WeightFormat.Int8);
        Assert.All(WeightErrors.Between(floats, bytes), e => Assert.InRange(e.Relative, 0, 0.01));
    }

    [Fact]
    public void Writing_to_mapped_weights_leaves_the_file_alone()
    {
        using var held = LingBlocks.Create(seed: 3, weights: WeightFormat.Int8);
        held.Save(File);
        var before = System.IO.File.ReadAllBytes(File);
        using (var mapped = LingBlocks.Load(File))
        {
            mapped.Initialize(seed: 9);
            using var drawn = LingBlocks.Create(seed: 9, weights: WeightFormat.Int8);
            Assert.All(WeightErrors.Between(drawn, mapped), e => Assert.Equal(0, e.Largest));

            // Saving over the file that is mapped: the memory stays what it was.
            mapped.Save(File);
            Assert.All(WeightErrors.Between(drawn, mapped), e => Assert.Equal(0, e.Largest));
        }

        Assert.NotEqual(before, System.IO.File.ReadAllBytes(File));
        using var again = LingBlocks.Load(File);
        using var expected = LingBlocks.Create(seed: 9, weights: WeightFormat.Int8);
        Assert.All(WeightErrors.Between(expected, again), e => Assert.Equal(0, e.Largest));
    }

    [Fact]
    public void The_layout_is_the_documented_one()
    {
        using var held = LingBlocks.Create(seed: 3, weights: WeightFormat.Int4);
        held.Save(File);
        using var file = SafetensorsFile.Open(File);
        Assert.Equal(("LingBlocks", "Int4"), (file.Metadata["model"], file.Metadata["weights"]));
        Assert.Equal("LingBlocks", Checkpoint.ModelOf(File));
        Assert.Equal(WeightFormat.Int4, Checkpoint.FormatOf(File));
        var up = file.Tensors["layers[1..2].ffn.experts.up"];
        Assert.Equal(("U8", "2, 16, 128, 64"), (up.Type, string.Join(", ", up.Shape)));
        var scales = file.Tensors["layers[1..2].ffn.experts.up.scales"];
        Assert.Equal(("BF16", "2, 16, 128, 4"), (scales.Type, string.Join(", ", scales.Shape)));
        Assert.Equal("F32", file.Tensors["layers[1..2].ffn.router.weight"].Type);

        // Decoded by hand, number 37 of row 5 of expert 3 in layer 2: block 1 of the row, number 5 of the block, a lower half.
        var bytes = System.IO.File.ReadAllBytes(File);
        var data = 8 + (int)BitConverter.ToInt64(bytes);
        var row = (((1 * 16) + 3) * 128) + 5;
        var half = bytes[data + up.Begin + (row * 64) + 16 + 5] & 15;
        var scale = BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(bytes, data + (int)scales.Begin + (((row * 4) + 1) * 2)) << 16);
        using var floats = LingBlocks.Load(File, weights: WeightFormat.Single);
        Assert.Equal((half - 8) * scale, floats.Parameters.LayersFrom1[1].Ffn.Experts.Up[3, 5, 37]);
    }

    [Fact]
    public void A_model_without_mtp_has_a_file_without()
    {
        var folder = Path.Combine(_root, "folder");
        using (var whole = LingFixture.Load(Fixture))
        {
            whole.SaveFolder(folder);
        }

        FixtureFolder.RemoveMtp(folder);
        using var held = LingFixture.Load(folder, weights: WeightFormat.Int8);
        Assert.False(held.HasMtp);
        held.Save(File);
        using (var file = SafetensorsFile.Open(File))
        {
            Assert.DoesNotContain(file.Tensors.Keys, name => name.StartsWith("mtp.", StringComparison.Ordinal));
        }

        using var mapped = LingFixture.Load(File);
        using var copied = LingFixture.Create(seed: 1, weights: WeightFormat.Int8);
        copied.LoadWeights(File);
        Assert.False(mapped.HasMtp);
        Assert.False(copied.HasMtp);
        Assert.Equal(held.Forward([5, 6, 7]), mapped.Forward([5, 6, 7]));
        Assert.Equal(held.Forward([5, 6, 7]), copied.Forward([5, 6, 7]));
    }

    [Fact]
    public void What_does_not_fit_is_told()
    {
        using var held = LingBlocks.Create(seed: 3, weights: WeightFormat.Int8);
        held.Save(File);
        var message = Assert.Throws<SafetensorsException>(() => LingTiny.Load(File)).Message;
        Assert.Contains("does not fit model LingTiny", message, StringComparison.Ordinal);
        Assert.Contains("head_weight is I8 [96, 128] instead of I8 [41, 32]", message, StringComparison.Ordinal);

        var text = Encoding.Latin1.GetString(System.IO.File.ReadAllBytes(File));
        System.IO.File.WriteAllBytes(File, Encoding.Latin1.GetBytes(text.Replace("\"weights\":\"Int8\"", "\"weights\":\"Int9\"", StringComparison.Ordinal)));
        Assert.Contains("held as \"Int9\"; there are BFloat16, Int8, Int4, Float8", Assert.Throws<SafetensorsException>(() => LingBlocks.Load(File)).Message, StringComparison.Ordinal);
    }
}
