using Mdl.Compiler.Passes;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Tests.Models;

/// <summary>What a model computes and does not use costs nothing, and keeps its parameters.</summary>
public class DeadCodeTests
{
    private const string Text =
        """
        module lower.cased;
        block Layer(x: [B, T, D]) -> [B, T, D] {
            let used = Linear(D, D);
            let idle = Linear(D, D);
            y = idle(x);
            return used(x);
        }
        model M(tokens: int[B, T]; vocab, width) {
            let embed = Embedding(vocab, width);
            param loose: [width];
            h = repeat 2 { Layer() }(embed(tokens));
            y = h * loose;
            return logits = h @ embed.weight';
        }
        preset A of M { vocab: 16; width: 8; }
        """;

    [Fact]
    public void Parameters_without_a_part_in_the_loss_get_zeros()
    {
        var model = Assert.Single(Binder.Bind(new("dead.mdl", Text), _ => null).Models);
        var training = CompilerPasses.Training(model, recomputeLayers: false);
        Assert.Equal(["loose", "embed.weight", "layers[0..1].idle.weight", "layers[0..1].used.weight"], training.Gradients.Select(g => g.Path));
        Assert.All(training.Gradients, g => Assert.Equal(g.Path.Contains("idle", StringComparison.Ordinal) || g.Path == "loose", IsZero(training.Graph, g.Gradient)));
        Assert.NotEmpty(MdlCompiler.Compile(new("dead.mdl", Text), _ => null, new("Sample", EmitIlgpu: true), CancellationToken.None).Files);
    }

    [Fact]
    public void Namespaces_may_have_parts_and_be_words_of_CSharp() => Assert.All(
        MdlCompiler.Compile(new("dead.mdl", Text), _ => null, new("Sample", EmitIlgpu: false), CancellationToken.None).Files,
        file => Assert.Contains("namespace @lower.@cased;", file.Text, StringComparison.Ordinal));

    /// <summary>Most lines that are missing leave something that nothing uses.</summary>
    [Fact]
    public void Any_line_of_a_model_may_be_missing()
    {
        var lines = File.ReadAllLines(LingModels.DataPath("ling.mdl"));
        var presets = lines.Where(l => l.StartsWith("preset ", StringComparison.Ordinal)).Skip(1).ToHashSet();
        lines = [.. lines.TakeWhile(l => !l.StartsWith("checkpoint ", StringComparison.Ordinal)).Where(l => !presets.Contains(l))];
        var compiled = 0;
        for (var i = 0; i < lines.Length; i++)
        {
            var text = string.Join("\n", lines.Where((_, at) => at != i));
            var result = MdlCompiler.Compile(new("ling.mdl", text), _ => null, new("Sample", EmitIlgpu: false), CancellationToken.None);
            Assert.DoesNotContain(result.Diagnostics, d => d.Id == DiagnosticIds.InternalError);
            compiled += result.Classes.Count;
        }

        Assert.True(compiled > lines.Length / 4, $"{compiled} of {lines.Length} texts had nothing wrong");
    }

    private static bool IsZero(Graph graph, Value value) => graph.Nodes[value.Node].Operation switch
    {
        Constant constant => constant.Value == 0,
        Broadcast or Reshape => IsZero(graph, graph.Nodes[value.Node].Inputs[0]),
        _ => false,
    };
}
