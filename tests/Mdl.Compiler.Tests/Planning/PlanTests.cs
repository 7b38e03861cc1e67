using Mdl.Compiler.Emission;
using Mdl.Compiler.Planning;
using Mdl.Compiler.Tests.Models;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Tests.Planning;

/// <summary>What the plans of whole models store and launch: for the sample's layers, and for a router and a norm that no sample uses.</summary>
public class PlanTests
{
    private const string Foreign = """
        module Foreign;
        router AngleRouter(x: [N, D]; experts, active) {
            param direction: [experts, D];
            angle  = 4 * (x * rsqrt(sum(x^2) + 1e-6)) @ direction';
            choose = top(active, of: abs(angle));
            gate   = tanh(angle[choose]) / (1 + max(abs(angle)));
        }
        moe AngleMoe(x: [.., D]; experts, active, width) {
            router  AngleRouter(experts, active);
            experts experts of SwiGlu(width);
            shared  1 of SwiGlu(width);
            tokens  dropless;
        }
        block PeakNorm(x: [.., D]) -> [.., D] {
            param gain: [D] = 1;
            y = x / (max(abs(x)) + 0.5);
            return gain * y / (mean(abs(y)) + 0.25);
        }
        block Layer(x: [B, T, D]; experts, active, width) -> [B, T, D] {
            let norm = PeakNorm();
            let ffn = AngleMoe(experts, active, width);
            return x + ffn(norm(x));
        }
        model Model(tokens: int[B, T]; vocab, hidden, layers, experts, active, width) {
            let embed = Embedding(vocab, hidden);
            h = repeat layers { Layer(experts, active, width) }(embed(tokens));
            return logits = h @ embed.weight';
        }
        preset Small of Model { vocab: 29; hidden: 24; layers: 2; experts: 6; active: 3; width: 16; }
        """;

    // A norm in front of projections that nothing but attention reads.
    private const string Normed = """
        module Normed;
        block Norm(x: [.., D]) -> [.., D] {
            param gain: [D] = 1;
            param bias: [D] = 0;
            NORM
        }
        block Layer(x: [B, T, D]) -> [B, T, D] {
            let norm = Norm();
            param qkv: [3 * D, D];
            param out: [D, D];
            q, k, v = split(norm(x) @ qkv', heads: [2, 2, 2], width: 12);
            return x + merge(attend(q, k, v, mask: causal)) @ out';
        }
        model Model(tokens: int[B, T]; vocab, hidden, layers) {
            let embed = Embedding(vocab, hidden);
            let norm = Norm();
            h = repeat layers { Layer() }(embed(tokens));
            return logits = norm(h) @ embed.weight';
        }
        preset Small of Model { vocab: 29; hidden: 24; layers: 2; }
        """;

    public static TheoryData<string> Models => ["ling", "foreign"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Rows_of_experts_are_neither_gathered_nor_combined_on_their_own(string model) =>
        Assert.All(Scopes(Plan(model)), scope => Assert.DoesNotContain(scope.Stored.Keys, v =>
            scope.Graph.Nodes[v.Node] is { Operation: GatherRows or CombineRows } node && node.Types[0].Last is { IsOne: false }));

    [Theory]
    [MemberData(nameof(Models))]
    public void The_experts_of_a_layer_take_few_kernels(string model)
    {
        // Forward: norm; logits' own functions; chosen gates; gated product; sum over experts with shared expert and residual.
        var loop = Layer(model);
        var first = loop.Steps.FindIndex(s => s is ProductStep p && loop.Graph.Nodes[p.Nodes[0]].Operation is GroupedContract);
        var last = loop.Steps.FindIndex(s => s is TemplateStep t && loop.Graph.Nodes[t.Node].Operation is GroupedContract);
        Assert.Equal(2, ((ProductStep)loop.Steps[first]).Nodes.Count);
        Assert.Equal(first + 1, last);

        // The rows of experts are read by the kernel that adds them to the stream, together with all else that it adds: that of the last product.
        var down = new Value(((TemplateStep)loop.Steps[last]).Node);
        Assert.IsType<ProductStep>(Assert.Single(loop.Steps, s => loop.Reads(s).Contains(down)));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Products_end_in_the_kernels_that_read_their_rows(string model)
    {
        var loop = Layer(model);
        var products = loop.Steps.OfType<ProductStep>().Where(s => loop.Graph.Nodes[s.Nodes[0]].Operation is Contract).ToList();
        // Shared gate|up; what is added to the stream, whose product nobody else reads.
        Assert.Single(products, s => s.Nodes.Count == 2);
        Assert.Contains(products, s => loop.Stored[new(s.Nodes[0])].Pointer == ProductStep.Rows[0]);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Routers_are_the_epilogue_of_the_product_that_makes_their_logits(string model)
    {
        // Functions of the logits, the choice of experts, and their gates: all that is computed for each token, whatever the router.
        var loop = Layer(model);
        var router = Assert.Single(loop.Steps.OfType<ProductStep>(), s => s.Kernels.Any(k => k.Roots.Any(r => r.Kind == RootKind.Select)));
        var selections = router.Kernels.SelectMany(k => k.Roots).Where(r => r.Kind == RootKind.Select).Select(r => loop.Graph.Nodes[r.Value.Node].Operation);
        Assert.Equal([typeof(Top), typeof(TakeAlong)], selections.Select(o => o.GetType()));
        Assert.DoesNotContain(loop.Steps, s => s is TemplateStep { Node: var node } && loop.Graph.Nodes[node].Operation is Top or TakeAlong or PutAlong);

        // What reads the gates is the dispatch and the experts: no kernel over tokens is left in between.
        var next = loop.Steps.SkipWhile(s => s != router).Skip(1).First(s => s is not TemplateStep);
        Assert.True(next is ProductStep || ((KernelStep)next).Kernel.Rows.IsOne, "a kernel over tokens stands between the router and the experts");
    }

    [Fact]
    public void The_loss_of_a_router_is_summed_by_its_kernel()
    {
        // The mean over all tokens: a sum over the rows that the epilogue has at hand, and what makes the loss of it.
        var loop = Layer("ling");
        var router = Assert.Single(loop.Steps.OfType<ProductStep>(), s => s.Kernels.Any(k => k.Roots.Any(r => r.Kind == RootKind.Select)));
        Assert.Single(router.Kernels.SelectMany(k => k.Roots), r => r.Kind == RootKind.ColumnReduce);
        Assert.NotNull(router.Tail);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Gradients_of_a_router_take_few_kernels(string model)
    {
        // One computes the gates again, one puts their gradients where the experts were chosen and goes on to the logits.
        var backward = Scopes(Plan(model)).First(s => s.Graph.Nodes.Any(n => n.Operation is GroupedOuter));
        var kernels = backward.Steps.SelectMany(s => s switch { KernelStep k => [k.Kernel], ProductStep p => p.Kernels, _ => Enumerable.Empty<RowKernel>() });
        var selecting = kernels.Where(k => k.Roots.Any(r => r.Kind == RootKind.Select)).ToList();
        Assert.InRange(selecting.Count, 1, 2);
        Assert.Contains(selecting, k => k.Roots.Any(r => backward.Graph.Nodes[r.Value.Node].Operation is PutAlong) && k.Roots[^1].Kind == RootKind.Store);
    }

    [Fact]
    public void A_device_that_selects_apart_has_selections_of_their_own()
    {
        var model = LingModels.Toy;
        var scopes = Scopes(ModelPlans.Training(model, new WeightLayout(model), default, rowsAlone: true).Program).ToList();
        Assert.Contains(scopes.SelectMany(s => s.Steps.OfType<TemplateStep>().Select(t => s.Graph.Nodes[t.Node].Operation)), o => o is Top);
        Assert.All(scopes.SelectMany(s => s.Steps).OfType<KernelStep>(), k => Assert.DoesNotContain(k.Kernel.Roots, r => r.Kind == RootKind.Select));
    }

    [Fact]
    public void Heads_are_normalised_and_rotated_behind_the_product_that_makes_them()
    {
        var loop = Layer("ling");
        var step = Assert.Single(loop.Steps.OfType<ProductStep>(), s => s.Kernels.Count == 2);
        // Two heads of queries and one of keys are rows of their kernels.
        Assert.Equal([2, 1], step.Kernels.Select(k => RowEpilogues.RowsPerRow(loop, k, step.Nodes[0])!.Constant));
    }

    [Fact]
    public void A_norm_is_made_in_front_of_the_product_that_reads_it()
    {
        // Norm, projection, norm of heads and rotation are one launch; the normalised stream is not stored.
        var loop = Layer("ling");
        var step = Assert.Single(loop.Steps.OfType<ProductStep>(), s => s.Kernels.Count == 2);
        Assert.NotNull(step.Prologue);
        Assert.Contains(loop.Stored.Values, s => s.Pointer == ProductStep.Left);
        Assert.DoesNotContain(loop.Steps, s => s is KernelStep k && !k.Kernel.Rows.IsConstant);
    }

    [Theory]
    [InlineData("y = (x - mean(x)) * rsqrt(variance(x) + 1e-5); return y * gain + bias;")]
    [InlineData("y = x / (max(abs(x)) + 0.5); return gain * y / (mean(abs(y)) + 0.25) + bias;")]
    [InlineData("y = exp(x - max(x)); return gain * y / sum(y) + bias;")]
    [InlineData("y = x[top(24, of: abs(x))]; return gain * y + bias;")]
    public void Norms_that_no_sample_uses_are_prologues_as_well(string norm)
    {
        // The product has no epilogue of its own: its result is read by attention.
        var scope = Scopes(Plan(Normed.Replace("NORM", norm, StringComparison.Ordinal), "Small")).First(s => s.Graph.Nodes.Any(n => n.Operation is Attend));
        var step = Assert.Single(scope.Steps.OfType<ProductStep>(), s => s.Prologue is not null);
        Assert.Empty(step.Kernels);
    }

    [Theory]
    [InlineData(8 * 24, true)]
    [InlineData((8 * 24) + 1, false)]
    public void A_product_much_wider_than_its_operand_reads_it_from_memory(int vocab, bool isPrologue)
    {
        // Without an epilogue its rows are stored anyway.
        var text = Normed.Replace("NORM", "return x / (max(abs(x)) + 0.5) * gain + bias;", StringComparison.Ordinal).Replace("vocab: 29", $"vocab: {vocab}", StringComparison.Ordinal);
        var model = Binder.Bind(new SourceText("normed.mdl", text), _ => null).Models.Single();
        var top = ModelPlans.Inference(model, Storage.At, default).Program.Top;
        Assert.Equal(isPrologue, top.Steps.Exists(s => s is ProductStep { Prologue: not null, Nodes: [var node] } && top.Graph.Nodes[node].Types[0].Last.Equals(vocab)));
        Assert.Equal(!isPrologue, top.Steps.Exists(s => s is TemplateStep { Node: var node } && top.Graph.Nodes[node] is { Operation: Contract } n && n.Types[0].Last.Equals(vocab)));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Sums_over_rows_behind_a_product_are_sums_over_its_blocks(string model) =>
        Assert.Contains(Scopes(Plan(model)).SelectMany(s => s.Steps).OfType<ProductStep>(), s => s.Kernels.Any(k => k.Roots.Any(r => r.Kind == RootKind.ColumnReduce)));

    [Theory]
    [MemberData(nameof(Models))]
    public void Gradients_of_what_several_products_read_accumulate_in_place(string model)
    {
        var backward = Scopes(Plan(model)).First(s => s.Graph.Nodes.Any(n => n.Operation is GroupedOuter));
        var products = backward.Steps.SelectMany(s => s switch { TemplateStep t => [t.Node], ProductStep p => p.Nodes, _ => Enumerable.Empty<int>() });
        var adding = products.Where(p => Accumulation.Addend(backward.Graph.Nodes[p]) is not null).ToList();
        // One for the two matrices of all experts, one for those of the shared expert (with the router's, which reads the same).
        Assert.Contains(adding, p => backward.Graph.Nodes[p].Operation is GroupedContract);
        Assert.Contains(adding, p => backward.Graph.Nodes[p].Operation is Contract);
        Assert.All(adding, p =>
        {
            var node = backward.Graph.Nodes[p];
            Assert.Equal(backward.Stored[new(p)], backward.Stored[node.Inputs[Accumulation.Addend(node)!.Value]]);
        });
    }

    [Fact]
    public void Tables_of_angles_are_computed_once_for_all_layers()
    {
        static int Count(ScopePlan scope) => scope.Graph.Nodes.Count(n => n.Operation is Unary { Function: UnaryFunction.Cos });
        var plan = Plan("ling");
        Assert.Equal(1, Count(plan.Top));
        Assert.Equal(1, Scopes(plan).Sum(Count));
    }

    [Fact]
    public void What_is_computed_element_by_element_takes_the_place_of_what_is_read_for_the_last_time()
    {
        var buffers = Plan("ling").Buffers.Where(b => b.Place != b).ToList();
        Assert.NotEmpty(buffers);
        Assert.All(buffers, b => Assert.True(b.Place.Element == b.Element && b.Place.Size.Equals(b.Size) && b.Place.First < b.First && b.Place.Last >= b.Last));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Loops_begin_without_a_copy(string model) =>
        Assert.All(Scopes(Plan(model)).SelectMany(s => s.Steps).OfType<LoopStep>().SelectMany(s => s.Loop.Carried), c => Assert.Equal(c.Stack is not null, c.IsPlaced));

    private static ScopePlan Layer(string model) =>
        Scopes(Plan(model)).Single(s => s.Graph.Nodes.Any(n => n.Operation is Dispatch) && s.Graph.Nodes.All(n => n.Operation is not (GroupedOuter or Repeat)));

    private static ProgramPlan Plan(string name)
    {
        var model = name == "ling" ? LingModels.Toy : Binder.Bind(new SourceText("foreign.mdl", Foreign), _ => null).Models.Single();
        return ModelPlans.Training(model, new WeightLayout(model), default).Program;
    }

    private static ProgramPlan Plan(string text, string preset)
    {
        var compilation = Binder.Bind(new SourceText("normed.mdl", text), _ => null);
        Assert.DoesNotContain(compilation.Diagnostics, d => d.Severity == Severity.Error);
        var model = compilation.Models.Single(m => m.PresetName == preset);
        return ModelPlans.Training(model, new WeightLayout(model), default).Program;
    }

    private static IEnumerable<ScopePlan> Scopes(ProgramPlan plan) => Scopes(plan.Top);

    private static IEnumerable<ScopePlan> Scopes(ScopePlan scope) =>
        scope.Steps.OfType<LoopStep>().SelectMany(s => Scopes(s.Loop.Body)).Prepend(scope);
}
