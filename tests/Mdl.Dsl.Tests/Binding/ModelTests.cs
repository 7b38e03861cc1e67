using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Tests.Binding;

/// <summary>Kinds of models that the language must be able to say.</summary>
public class ModelTests
{
    /// <summary>A model around one line that turns h [B, T, D] into h.</summary>
    private static BoundModel Around(string line, string declarations = "", string lets = "") => Bound.Model($$"""
        {{declarations}}
        model M(tokens: int[B, T]; vocab, D) {
            let embed = Embedding(vocab, D);
            {{lets}}
            h = embed(tokens);
            {{line}}
            return logits = h @ embed.weight';
        }
        preset A of M { vocab: 100; D: 64; }
        """);

    [Fact]
    public void NamesOfClassesBeginWithCapitals()
    {
        var text = "model tiny(tokens: int[B, T]; D) { let e = Embedding(8, D); return e(tokens) @ e.weight'; } preset nano of tiny { D: 4; } preset 2x of tiny { D: 2; } diffusion spots(x: [N, 2]) { score kernel(data); }";
        var compilation = Bound.File(text);
        Assert.Empty(compilation.Diagnostics);
        Assert.Equal(["TinyNano", "Tiny2x", "Spots"], compilation.Models.Select(m => m.ClassName).Concat(compilation.Diffusions.Select(d => d.ClassName)));
    }

    [Fact]
    public void TiedEmbeddingsAreOneParameter()
    {
        var model = Around("");
        Assert.Equal([100L, 64], Assert.Single(model.Parameters).Shape);
        var table = model.Training.Graph.Nodes.ToList().FindIndex(n => n.Operation is Parameter);
        Assert.Equal(table, model.Training.Graph.Nodes.Single(n => n.Operation is LinearCrossEntropy).Inputs[1].Node);
    }

    [Fact]
    public void LayerNormAndGelu()
    {
        var model = Around("h = h + mlp(norm(h));", "", "let norm = LayerNorm(D); let mlp = GeluMlp(4 * D);");
        Assert.Equal([256L, 64], model.Parameter("mlp.up.weight").Shape);
        Assert.Equal(new Initializer(false, 0), model.Parameter("norm.bias").Initial);
        Assert.Contains(model.Forward.All<Unary>(), u => u.Function == UnaryFunction.Erf);
    }

    [Fact]
    public void LearnedPositionsAreRowsOfATable()
    {
        var model = Around("h = h + place[positions(T)];", "", "param place: [512, D] = normal(0.01);");
        Assert.Contains(model.Forward.Graph.Nodes, n => n.Operation is Gather && n.Types[0].ToString() == "[T, 64]");
        Assert.Equal(new Initializer(true, 0.01), model.Parameter("place").Initial);
    }

    [Fact]
    public void SlidingWindowAndSinks()
    {
        var model = Around(
            "q, k, v = split(qkv(h), heads: [4, 2, 2], width: 16); h = h + out(merge(attend(q, k, v, mask: causal, window: 32, sink: sink, scale: 0.2)));",
            "",
            "let qkv = Linear(D, 128); let out = Linear(D, D); param sink: [4] = 0;");
        var attend = Assert.Single(model.Forward.Graph.Nodes, n => n.Operation is Attend);
        Assert.Equal(new Attend(AttentionMask.Causal, 32, 0.2), attend.Operation);
        Assert.Equal(4, attend.Inputs.Count);
    }

    [Fact]
    public void LatentAttentionSharesItsRotaryKey()
    {
        var model = Around("h = h + attention(h);", """
            block Latent(x: [B, T, D]; heads, rank, plain, turn, value) -> [B, T, D] {
                param query: [heads * (plain + turn), D];
                param down:  [rank + turn, D];
                param up:    [heads * (plain + value), rank];
                param out:   [D, heads * value];
                let norm = RmsNorm(rank);
                q, q_turn      = split(split(x @ query', heads: [heads], width: plain + turn), [plain, turn]);
                latent, k_turn = split(x @ down', [rank, turn]);
                k, v           = split(split(norm(latent) @ up', heads: [heads], width: plain + value), [plain, value]);
                q = concat(q, rope(q_turn, dims: turn));
                k = concat(k, expand(rope(reshape(k_turn, [B, T, 1, turn]), dims: turn), [B, T, heads, turn]));
                return merge(attend(q, k, v, mask: causal)) @ out';
            }
            """, "let attention = Latent(heads: 4, rank: 32, plain: 16, turn: 8, value: 24);");
        var attend = Assert.Single(model.Forward.Graph.Nodes, n => n.Operation is Attend);
        Assert.Equal("[B, T, 4, 24]", attend.Types[0].ToString());
        Assert.Equal(["[B, T, 4, 24]", "[B, T, 4, 24]", "[B, T, 4, 24]"], attend.Inputs.Select(v => model.Forward.Graph.Type(v).ToString()));
        Assert.Equal(1 / Math.Sqrt(24), ((Attend)attend.Operation).Scale);
    }

    private const string Switch = """
        router Switch(x: [N, D]; experts, active) {
            param weight: [experts, D];
            p      = softmax(x @ weight');
            choose = top(active, of: p);
            gate   = p[choose];
            loss 0.01 * experts * sum(load / (N * active) * mean(p, axis: 0));
        }
        moe Moe(x: [.., D]; experts, active, ffn: block) {
            router  Switch(experts, active);
            experts experts of ffn;
            shared  2 of SwiGlu(16);
            tokens  capacity(1.25);
        }
        """;

    [Fact]
    public void SoftmaxRoutingWithLoadLossAndCapacity()
    {
        var model = Around("h = h + moe(h);", Switch, "let moe = Moe(8, 2, SwiGlu(32));");
        Assert.Equal([new Dispatch(8, 1.25)], model.Forward.All<Dispatch>());
        Assert.Equal([8L, 32, 64], model.Parameter("moe.experts.up").Shape);
        Assert.Equal([16L, 64], model.Parameter("moe.shared[1].gate").Shape);
        Assert.Equal(["Loss loss", "Metric nll", "Metric aux", "Load moe"], model.Training.Outputs.Select(o => $"{o.Kind} {o.Name}"));

        // Inference knows neither loss nor load.
        Assert.DoesNotContain(model.Forward.All<Leaf>(), o => o is SizeOf);
    }

    [Fact]
    public void AnExpertMayHaveBiasesAndNorms()
    {
        var model = Around("h = h + moe(h);", Switch + """
            block Biased(x: [.., D]; width) -> [.., D] {
                let up   = Affine(D, width);
                let down = Affine(width, D);
                let norm = RmsNorm(D);
                param scale: [] = 1;
                return norm(down(gelu(up(x)))) * scale;
            }
            """, "let moe = Moe(8, 2, Biased(32));");
        Assert.Equal([8L, 32], model.Parameter("moe.experts.up.bias").Shape);
        Assert.Equal([8L], model.Parameter("moe.experts.scale").Shape);
        Assert.Equal(2, model.Forward.All<GroupedContract>().Count());

        // Biases, gain and scale reach each row by the row's expert; the embedding is the fifth table.
        Assert.Equal(5, model.Forward.All<Gather>().Count());
    }

    [Fact]
    public void LossesAndLoadsLeaveARepetitionStacked()
    {
        var model = Around("h = repeat 3 { Block() }(h);", Switch + "block Block(x: [B, T, D]) -> [B, T, D] { let moe = Moe(8, 2, SwiGlu(32)); return x + moe(x); }");
        var graph = model.Training.Graph;
        var repeat = Assert.Single(graph.Nodes, n => n.Operation is Repeat);
        Assert.Equal(["[B, T, 64]", "[3]", "[3, 8]"], repeat.Types.Select(t => t.ToString()));
        Assert.Equal("blocks[0..2].moe", model.Training.Outputs.Single(o => o.Kind == OutputKind.Load).Name);
        Assert.Equal("blocks[{i}].moe.router.weight", model.Parameter("blocks[0..2].moe.router.weight").Path);
    }

    [Fact]
    public void RepetitionsOfOneBlockCountOn()
    {
        const string block = "block Entry(x: [B, T, D]; ffn: block) -> [B, T, D] { return x + ffn(x); }";
        var model = Around("h = repeat 2 { Entry(SwiGlu(8)) }(h); h = repeat 0 { Entry(SwiGlu(9)) }(h); h = repeat 2 { Entry(SwiGlu(8)) }(h); h = tail(h);", block, "let tail = repeat 2 { Entry(SwiGlu(4)) };");
        var keys = model.Parameters.Where(p => p.Path.EndsWith(".up", StringComparison.Ordinal)).Select(p => p.Key);
        Assert.Equal(["entries[0..1].ffn.up", "entries[2..3].ffn.up", "tail[0..1].ffn.up"], keys);
        Assert.Equal(3, model.Forward.All<Repeat>().Count());
    }

    [Fact]
    public void ARepetitionInARepetitionIsWrittenOut()
    {
        var model = Around("h = repeat 2 { Outer() }(h);", "block Outer(x: [B, T, D]) -> [B, T, D] { return repeat 3 { SwiGlu(8) }(x); }");
        Assert.Single(model.Forward.All<Repeat>());
        Assert.Equal(2, model.Parameter("outers[0..1].swiGlus[2].up").Repeats);
    }

    [Fact]
    public void OuterValuesAndSharedBlocksEnterARepetition()
    {
        var model = Around(
            "h = repeat 2 { Cross(shared) }(h, h * 2);",
            "block Cross(x: [B, T, D], y: [B, T, D]; ffn: block) -> [B, T, D] { return x + ffn(y); }",
            "let shared = SwiGlu(8);");
        var repeat = Assert.Single(model.Forward.All<Repeat>());
        Assert.Equal((1, 4), (repeat.Carried, repeat.Invariants));
        Assert.Equal(0, model.Parameter("shared.up").Repeats);
    }

    [Fact]
    public void MtpDepthsCarryTheirState()
    {
        var model = Bound.Model("""
            model M(tokens: int[B, T]; vocab, D) {
                let embed = Embedding(vocab, D);
                h = embed(tokens);
                return softmax(h @ embed.weight');
                mtp depth 2, weight 0.3 {
                    let mix = Linear(2 * D, D);
                    h = mix(concat(h, embed(next)));
                    return h @ embed.weight';
                }
            }
            preset A of M { vocab: 100; D: 64; }
            """);
        Assert.Equal(2, model.MtpDepth);
        Assert.Equal("int[B, T + 3]", model.Training.Graph.Nodes[0].Types[0].ToString());
        Assert.Equal([128L], [model.Parameter("mtp[2].mix.weight").Shape[1]]);

        // The main head is not a bare contraction, those of the two depths are.
        Assert.Equal(2, model.Training.All<LinearCrossEntropy>().Count());
        Assert.Single(model.Training.All<TakeAlong>());
        var starts = model.Training.All<Slice>().Where(s => s.Axis == 1).Select(s => s.Start.Constant).Distinct().Order();
        Assert.Equal([0L, 1, 2, 3], starts);
    }

    [Fact]
    public void GhostAxesVanishWhereTheResultHasNone()
    {
        var model = Around("h = h * reshape(total(h), [B, T, 1]);", "function total(x: [.., D]) -> [..] { return sum(x) / D; }");
        Assert.Contains(model.Forward.Graph.Nodes, n => n.Operation is Reshape && n.Types[0].ToString() == "[B, T]");
    }

    [Fact]
    public void EachNodeKnowsItsLine()
    {
        var model = Bound.Model("model M(tokens: int[B, T]; vocab) {\n  let embed = Embedding(vocab, 8);\n  h = embed(tokens);\n  g = exp(h);\n  return g @ embed.weight';\n}\npreset A of M { vocab: 10; }");
        var exp = Assert.Single(model.Forward.Graph.Nodes, n => n.Operation is Unary);
        Assert.Equal((new Origin("test.mdl", 4), "g"), (exp.Origin, exp.Name));
        Assert.Equal(new Origin("test.mdl", 7), model.Origin);
    }
}
