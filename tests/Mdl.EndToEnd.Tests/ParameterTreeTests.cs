using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>The typed tree of parameters follows the names of the source and shows the weights themselves.</summary>
public sealed unsafe class ParameterTreeTests
{
    [Fact]
    public void Names_follow_the_source()
    {
        using var model = new LingTiny();
        Check(model, "head_weight", 0, model.Parameters.HeadWeight, 41, 32);
        Check(model, "embed.weight", 0, model.Parameters.Embed.Weight, 41, 32);
        Check(model, "norm.weight", 0, model.Parameters.Norm.Weight, 32);
        Check(model, "layers[0].attention.qkv", 0, model.Parameters.Layers[0].Attention.Qkv, (4 + (2 * 2)) * 8, 32);
        Check(model, "layers[0].attention.query_norm.weight", 0, model.Parameters.Layers[0].Attention.QueryNorm.Weight, 8);
        Check(model, "layers[0].ffn.gate", 0, model.Parameters.Layers[0].Ffn.Gate, 48, 32);
        Assert.Single(model.Parameters.Layers);
        Assert.Equal(2, model.Parameters.LayersFrom1.Count);
        for (var i = 0; i < 2; i++)
        {
            var layer = model.Parameters.LayersFrom1[i];
            Check(model, $"layers[{i + 1}].ffn.router.weight", i, layer.Ffn.Router.Weight, 16, 32);
            Check(model, $"layers[{i + 1}].ffn.router.bias", i, layer.Ffn.Router.Bias, 16);
            Check(model, $"layers[{i + 1}].ffn.experts.down", i, layer.Ffn.Experts.Down, 16, 32, 24);
            Check(model, $"layers[{i + 1}].ffn.shared.up", i, layer.Ffn.Shared.Up, 24, 32);
        }

        Check(model, "mtp.project", 0, model.Parameters.Mtp.Project, 32, 64);
        Check(model, "mtp.layer.ffn.router.bias", 0, model.Parameters.Mtp.Layer.Ffn.Router.Bias, 16);
    }

    [Fact]
    public void Views_alias_the_weights()
    {
        using var model = LingTiny.Create(seed: 1);
        var weight = model.Parameters.LayersFrom1[1].FfnNorm.Weight;
        var info = model.Info.Parameters.Single(p => p.FirstIndex == 1 && p.Path == "layers[{i}].ffn_norm.weight");
        weight[3] = 42;
        Assert.Equal(42, model.Weights[info.Offset + info.InstanceSize + 3]);
        model.Weights[info.Offset + info.InstanceSize + 4] = 43;
        Assert.Equal(43, weight[4]);
        Assert.Equal(1, model.Parameters.LayersFrom1[0].FfnNorm.Weight[3]);

        int[] tokens = [1, 2, 3];
        var before = model.Forward(tokens);
        model.Parameters.HeadWeight.AsSpan().Clear();
        Assert.NotEqual(before, model.Forward(tokens));
        Assert.All(model.Forward(tokens), x => Assert.Equal(0, x));
    }

    [Fact]
    public void There_are_no_more_repetitions_than_declared()
    {
        using var model = new LingTiny();
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Parameters.Layers[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Parameters.LayersFrom1[2]);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Parameters.LayersFrom1[-1]);
    }

    [Fact]
    public void The_constant_counts_the_trainable_parameters()
    {
        Assert.Equal(LingTiny.ParameterCount, LingTiny.ModelInfo.ParameterCount);
        Assert.Equal(LingTiny.MtpParameterCount, LingTiny.ModelInfo.MtpParameterCount);
        Assert.NotEqual(0, LingTiny.MtpParameterCount);
        Assert.Equal(LingDeep.ParameterCount, LingDeep.ModelInfo.ParameterCount);
        Assert.Equal(SwitchCapacity.ParameterCount, SwitchCapacity.ModelInfo.ParameterCount);
        // Embedding and final norm; three layers of two norms, attention (fused qkv and output), and SwiGLU.
        const int Layer = (2 * 24) + ((4 + 2 + 2) * 6 * 24) + (24 * 24) + (3 * 40 * 24);
        Assert.Equal((37 * 24) + 24 + (3 * Layer), DenseSmall.ModelInfo.ParameterCount);
        Assert.Equal(DenseSmall.ParameterCount, DenseSmall.ModelInfo.ParameterCount);
    }

    [Fact]
    public void Names_that_meet_in_CSharp_stay_apart()
    {
        using var model = new NamesTold();
        Check(model, "a.norm.weight", 0, model.Parameters.A.Norm.Weight, 12);
        Check(model, "a_norm.weight", 0, model.Parameters.ANorm.Weight, 12);
        Check(model, "equals", 0, model.Parameters.Equals_, 12);
        Check(model, "get_type", 0, model.Parameters.GetType_, 12);
        Check(model, "parameter_tree", 0, model.Parameters.ParameterTree_, 12);
    }

    [Fact]
    public void Doc_comments_of_the_source_are_those_of_the_classes_and_properties()
    {
        var plain = Generated("names.mdl", "NamesPlain.g.cs");
        Assert.Contains("/// A model of names: &lt;em&gt; &amp; \"quotes\" stay text.\n/// It has a second line.\n/// </summary>\npublic sealed partial class NamesPlain ", plain, StringComparison.Ordinal);
        Assert.Contains("/// Added to everything.\n        /// [8], from names.mdl:16.", plain, StringComparison.Ordinal);
        Assert.Contains("/// Maps states\n        /// to tokens.\n        /// [7, 8]", plain, StringComparison.Ordinal);

        var told = Generated("names.mdl", "NamesTold.g.cs");
        Assert.Contains("/// <summary>The documented preset.</summary>\npublic sealed partial class NamesTold ", told, StringComparison.Ordinal);
    }

    private static string Generated(string file, string name)
    {
        using var stream = typeof(ParameterTreeTests).Assembly.GetManifestResourceStream(file)!;
        var result = MdlCompiler.Compile(new SourceText(file, new StreamReader(stream).ReadToEnd()), _ => null, new CompileOptions("Mdl", false), default);
        Assert.Empty(result.Diagnostics);
        return result.Files.Single(f => f.Name == name).Text;
    }

    private static void Check(LanguageModel model, string path, int instance, Tensor tensor, params long[] shape)
    {
        Assert.Equal(shape, tensor.Shape);
        var info = model.Info.Parameters.Single(p => Enumerable.Range(0, p.Instances).Any(i => p.InstancePath(i) == path));
        Assert.Equal(path, info.InstancePath(instance));
        Assert.True(tensor.Data == model.Weights + info.Offset + (instance * info.InstanceSize), $"{path} lies elsewhere");
    }
}
