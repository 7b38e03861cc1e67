using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

public class SampleTests
{
    private readonly ParseResult _ling = MdlParser.Parse(Files.Ling);

    [Fact]
    public void LingParsesWithoutDiagnostics()
    {
        Assert.Empty(_ling.Diagnostics);
        Assert.Empty(_ling.Skipped);
        Assert.Equal("Ling", _ling.File.Module?.Text);
        Assert.Equal(
            ["Attention", "GroupedSigmoid", "LingMoe", "Layer", "Ling", "Nano", "Mini", "Flash", "1T", "BailingMoeV2", "Pretrain"],
            _ling.File.Declarations.Select(d => d.Name.Text));
    }

    [Fact]
    public void HeadersHaveInputsArgumentsAndResults()
    {
        var layer = Find<BlockSyntax>("Layer");
        Assert.Equal(BlockKind.Block, layer.Kind);
        Assert.Equal(["x"], layer.Inputs.Select(i => i.Name.Text));
        Assert.Equal(["heads", "kv", "head", "stretch", "ffn: block"], layer.Arguments.Select(a => a.Kind == "" ? a.Name.Text : $"{a.Name}: {a.Kind}"));
        Assert.Equal("[B, T, D]", Printer.Print(Assert.Single(layer.Results)));

        var model = Find<BlockSyntax>("Ling");
        Assert.Equal(BlockKind.Model, model.Kind);
        Assert.Equal("int[B, T]", Printer.Print(model.Inputs[0].Type));
        Assert.Empty(model.Results);
        Assert.Equal(BlockKind.Router, Find<BlockSyntax>("GroupedSigmoid").Kind);
    }

    [Theory]
    [InlineData("Attention", 0, "param qkv: [((heads + (2 * kv)) * head), D]")]
    [InlineData("Attention", 4, "q, k, v = split((x @ qkv'), heads: [heads, kv, kv], width: head)")]
    [InlineData("Attention", 5, "q = yarn(query_norm(q), dims: rotary, factor: stretch, original: 32768, theta: 600000)")]
    [InlineData("Attention", 7, "return (merge(attend(q, k, v, mask: causal)) @ out')")]
    [InlineData("GroupedSigmoid", 0, "param weight: [experts, D] in f32")]
    [InlineData("GroupedSigmoid", 1, "state bias: [experts] in f32 = 0")]
    [InlineData("GroupedSigmoid", 4, "choose = top(active, of: (score + bias), groups: groups, keep: keep, by: sum(top 2))")]
    [InlineData("GroupedSigmoid", 5, "gate = ((scale * score[choose]) / (sum(score[choose]) + 1E-20))")]
    [InlineData("GroupedSigmoid", 6, "loss (3.5E-06 * mean((logsumexp(logits) ^ 2)))")]
    [InlineData("GroupedSigmoid", 7, "after step { bias += (rate * centered(sign((mean(load) - load)))) }")]
    [InlineData("Layer", 1, "let attention = Attention(heads, kv, head, rotary: (head / 2), stretch: stretch)")]
    [InlineData("Ling", 5, "h = repeat (layers - dense) { Layer(heads, kv, head, stretch, ffn: LingMoe(experts, active, width, rate)) }(h)")]
    [InlineData("Ling", 7, "return logits = (h @ head_weight')")]
    public void StatementsHaveTheirStructure(string block, int index, string expected)
        => Assert.Equal(expected, Printer.Print(Find<BlockSyntax>(block).Body[index]));

    [Fact]
    public void DocCommentsAreKept()
    {
        Assert.Equal(
            "Sigmoid scores, selection among the best groups, and balance without an auxiliary loss:\n"
            + "the bias takes part in the choice of experts, never in their weights.",
            Find<BlockSyntax>("GroupedSigmoid").Doc);
        Assert.Equal("", Find<MoeSyntax>("LingMoe").Doc);
        var mtp = Assert.IsType<MtpSyntax>(Find<BlockSyntax>("Ling").Body.Last());
        Assert.Equal("Depth k predicts token t+1+k from the state at t and the embedding of token t+k.", mtp.Doc);
        Assert.Equal(("1", "0.1", 7), (Printer.Print(mtp.Depth), Printer.Print(mtp.Weight), mtp.Body.Count));
    }

    [Fact]
    public void MoePresetCheckpointAndTrainHaveTheirItems()
    {
        Assert.Equal(
            ["Router  GroupedSigmoid(experts, active, groups: 8, keep: 4, scale: 2.5, rate: rate)", "Experts experts SwiGlu(width)", "Shared 1 SwiGlu(width)", "Tokens  dropless"],
            Find<MoeSyntax>("LingMoe").Items.Select(i => $"{i.Kind} {(i.Count is null ? "" : Printer.Print(i.Count))} {Printer.Print(i.Value)}"));

        var preset = Find<PresetSyntax>("1T");
        Assert.Equal("Ling", preset.Model.Text);
        Assert.Equal("157184", Printer.Print(preset.Settings.Single(s => s.Name.Text == "vocab").Value));

        Assert.Equal(
            [
                "embed.weight = model.word_embeddings.weight",
                "layers[i].ffn.experts[e].up = model.layers.{i}.mlp.experts.{e}.up_proj.weight",
                "mtp.layer.ffn.shared.down = model.layers.{layers}.mlp.shared_experts.down_proj.weight",
            ],
            Find<CheckpointSyntax>("BailingMoeV2").Mappings().Where((_, i) => i is 0 or 15 or 37).Select(m => $"{Printer.Print(m.Path)} = {m.Target}"));
        Assert.Equal(
            ["partial_rotary_factor = 0.5 or rotary_dim = (head / 2)", "use_bias = false optional"],
            Find<CheckpointSyntax>("BailingMoeV2").Configs().Where(c => c.Keys[0].Key is "use_bias" or "partial_rotary_factor")
                .Select(c => $"{string.Join(" or ", c.Keys.Select(k => $"{k.Key} = {Printer.Print(k.Value)}"))} {c.Word}".TrimEnd()));

        Assert.Equal(
            ["objective next_token", "optimizer adamw(lr: 0.002, betas: (0.9, 0.95), weight_decay: 0.1, clip: 1)", "schedule wsd(warmup: 40, decay: 0.3, final: 0.05)", "precision f32"],
            Find<TrainSyntax>("Pretrain").Directives.Select(d => $"{d.Name} {string.Join(" ", d.Values.Select(Printer.Print))}"));
    }

    [Fact]
    public void DiffusionsAreLinesOfWords()
    {
        var moons = MdlParser.Parse(Files.Moons);
        Assert.Empty(moons.Diagnostics);
        Assert.Equal(["Denoiser", "KernelMoons", "LearnedMoons"], moons.File.Declarations.Select(d => d.Name.Text));
        var learned = Assert.IsType<DiffusionSyntax>(moons.File.Declarations[2]);
        Assert.Equal(
            [
                "process ve", "score network(Denoiser(width: 128, depth: 3), predicts: x0, precondition: edm(data: 0.5))", "sampler heun(steps: 18)",
                "sampler dpm++2m(steps: 12)", "schedule karras(rho: 7) from 80 to 0.002", "guidance none", "stop zero",
            ],
            learned.Items.OfType<DirectiveSyntax>().Select(d => $"{d.Name} {string.Join(" ", d.Values.Select(Printer.Print))}"));
        Assert.Equal(
            ["noise: lognormal(-1.2, 1.2)", "optimizer: adamw(lr: 0.001)", "average: ema(0.999)"],
            learned.Items.OfType<DiffusionTrainSyntax>().Single().Settings.Select(s => $"{s.Name}: {Printer.Print(s.Value)}"));
    }

    private T Find<T>(string name)
        where T : DeclarationSyntax
        => Assert.IsType<T>(_ling.File.Declarations.Single(d => d.Name.Text == name));
}
