using Mdl.Dsl.Binding;

namespace Mdl.Dsl.Tests.Binding;

public class DiagnosticTests
{
    // The declarations stand in line 1, the body under test in line 5.
    private static string Text(string body, string declarations = "") =>
        $"{declarations}\nmodel M(tokens: int[B, T]; vocab, D) {{\nlet embed = Embedding(vocab, D);\nh = embed(tokens);\n{body}\nreturn h @ embed.weight';\n}}\npreset A of M {{ vocab: 100; D: 64; }}\n";

    private static void Expect(string text, params string[] expected)
    {
        var compilation = Bound.File(text);
        Assert.Equal(expected, compilation.Lines(text));
        Assert.Empty(compilation.Models);
    }

    [Theory]
    [InlineData("let f = SwiGlu(8); h = f(h) @ f.gate;", "5:24 MDL0109 `f(h) @ f.gate` contracts 64 with 8")]
    [InlineData("h = h + tokens;", "5:5 MDL0110 `h + tokens` joins floats with ints; `float(...)` makes floats of ints")]
    [InlineData("h = h + reshape(h, [B, D, T]);", "5:5 MDL0109 `h + reshape(h, [B, D, T])` [B, T, 64] does not broadcast with [B, 64, T]: T is not 64")]
    [InlineData("h = repeat 2 { SwiGlu(8) }; h = exp(h);", "5:1 MDL0108 a block is given a name with `let`: `let h = ...;`")]
    [InlineData("h = hh;", "5:5 MDL0100 nothing is called `hh` here; did you mean `h`?")]
    [InlineData("h = sofmax(h);", "5:5 MDL0100 no function or block is called `sofmax`; did you mean `softmax`?")]
    [InlineData("h = softmax(h, h);", "5:16 MDL0104 `softmax` takes no build-time arguments after one tensor")]
    [InlineData("h = softmax(h, axis: 1);", "5:16 MDL0105 `softmax` has no argument `axis`")]
    [InlineData("h = sum(h, axs: 1);", "5:12 MDL0105 `sum` has no argument `axs`; did you mean `axis`?")]
    [InlineData("let f = SwiGlu();", "5:9 MDL0106 `SwiGlu` needs `width`")]
    [InlineData("let f = SwiGlu(h);", "5:16 MDL0108 `width` of `SwiGlu` is known at build time, but `h` is a tensor [B, T, 64]")]
    [InlineData("let f = SwiGlu(T); h = f(h);", "5:24 MDL0107 in `SwiGlu`: an axis of `gate` is a number known at build time, but `width` is a size")]
    [InlineData("let f = SwiGlu(D / 3); h = f(h);", "5:28 MDL0111 in `SwiGlu`: an axis of `gate` is an integer, but `width` is 21.333333333333332")]
    [InlineData("let f = SwiGlu(0 - 1); h = f(h);", "5:28 MDL0111 in `SwiGlu`: an axis of `gate` is between 1 and 1099511627776, but `width` is -1")]
    [InlineData("param w: [1_000_000_000, 1_000_000_000];", "5:10 MDL0111 `w` has more elements than any machine can hold")]
    [InlineData("h = reshape(h, [900_000_000_000 * 900_000_000_000, 900_000_000_000]);", "5:17 MDL0111 `900_000_000_000 * 900_000_000_000` has a size that no machine can hold")]
    [InlineData("h = repeat 1_000_000_000 { SwiGlu(8) }(h);", "5:12 MDL0111 the number of repetitions is between 0 and 100000, but `1_000_000_000` is 1000000000")]
    [InlineData("h = repeat 2 { Linear(D, 8) }(h);", "5:5 MDL0109 the repeated `Linear` turns [B, T, 64] into [B, T, 8]; both must be one shape")]
    [InlineData("h = repeat 2 { 3 }(h);", "5:16 MDL0117 a block with its arguments is repeated, such as `Layer(heads)`; `3` is a number")]
    [InlineData("let norm = RmsNorm(32); h = norm(h);", "5:34 MDL0109 `RmsNorm` takes `x: [.., width]`, but `h` is [B, T, 64]: `width` is 32, not 64")]
    [InlineData("let embed = RmsNorm(D);", "5:5 MDL0101 `embed` is defined already, as a block `Embedding`")]
    [InlineData("q, k = split(h, [32, 31]);", "5:8 MDL0109 `h` has a last axis of 64, but the pieces [32, 31] make 63")]
    [InlineData("q, k = split(h, heads: [2, 2], width: 15);", "5:8 MDL0109 `h` has a last axis of 64, but 4 heads of 15 make 60")]
    [InlineData("q, k = split(h, [16, 32, 16]);", "5:1 MDL0104 2 names are given 3 values")]
    [InlineData("h = attend(h, h, h);", "5:5 MDL0109 `attend(h, h, h)` attention wants [batch, time, heads, width], got [B, T, 64], [B, T, 64], [B, T, 64]")]
    [InlineData("h = attend(h, h, h, mask: casual);", "5:27 MDL0100 `mask` of `attend` is one of causal, none; did you mean `causal`?")]
    [InlineData("c = top(65, of: h);", "5:5 MDL0109 `top(65, of: h)` 65 cannot be chosen from 64")]
    [InlineData("loss h;", "5:6 MDL0124 a loss is one number, but `h` is [B, T, 64]; reduce it with `sum` or `mean`")]
    [InlineData("param w: [D] in bf16;", "5:10 MDL0113 `in bf16` is not supported yet; everything is computed in f32")]
    [InlineData("state s: [D]; s = h;", "5:15 MDL0122 the state `s` changes only in `after step`")]
    [InlineData("state s: [D]; after step { ss += 1; }", "5:28 MDL0122 `ss` is not a state of this block; did you mean `s`?")]
    [InlineData("state s: [D]; after step { s += 1; s += 2; }", "5:36 MDL0122 `s` is updated twice in one step")]
    [InlineData("h = embed(tokens, tokens);", "5:5 MDL0104 `Embedding` takes one tensor (index), not 2")]
    [InlineData("h = embed.wieght;", "5:11 MDL0100 `Embedding` has no parameter or block `wieght`; did you mean `weight`?")]
    [InlineData("h = h[h];", "5:7 MDL0110 an index holds ints, but `h` is [B, T, 64]")]
    [InlineData("return h;", "6:1 MDL0114 a body returns once")]
    [InlineData("param w: [D]; param w: [D];", "5:21 MDL0101 `w` is defined already, as a tensor [64]")]
    [InlineData("y = later + h; later = h;", "5:5 MDL0100 nothing is called `later` yet; line 5 defines it")]
    [InlineData("h = attend(h, h, h, mask: causal, window: -3);", "5:43 MDL0111 `window` of `attend` is between 1 and 2147483647, not -3")]
    [InlineData("param w: [D / 10];", "5:11 MDL0111 an axis of `w` is an integer, but `D / 10` is 6.4")]
    public void MistakesInABody(string body, string expected)
    {
        var text = Text(body);
        Assert.Equal(expected, Bound.File(text).Lines(text)[0]);
    }

    [Fact]
    public void SeveralIndependentErrorsAreAllTold() => Expect(
        Text("a = h + x;\nb = a + 1;\nc = exp(y);\nd = h @ h;"),
        "5:9 MDL0100 nothing is called `x` here",
        "7:9 MDL0100 nothing is called `y` here",
        "8:5 MDL0109 `h @ h` contracts 64 with T");

    [Theory]
    [InlineData("block A(x: [B, T, D]) -> [B, T, D] { let a = A(); return a(x); }", "let a = A(); h = a(h);", "1:58 MDL0112 `A` contains itself")]
    [InlineData("block A(x: [.., D]) -> [.., D] { param w: [D, D]; return x @ w; } block B(x: [.., D]) -> [.., D] { param w: [32, D]; let a = A(); return a(x @ w'); }", "let b = B(); h = b(h);", "1:131 MDL0109 `B` is declared to return `[.., D]`, but returns [B, T, 32]: `D` is 64, not 32")]
    [InlineData("block A(x: [.., D]) { y = x; }", "let a = A(); h = a(h);", "1:7 MDL0114 `A` returns nothing")]
    [InlineData("function f(x: [.., D]) { let n = RmsNorm(D); return n(x); }", "h = f(h);", "1:26 MDL0108 `f` is a function and holds no parameters; make it a block")]
    [InlineData("router R(x: [N, D]) { choose = top(2, of: x); } moe E(x: [.., D]) { router R(); experts 4 of SwiGlu(8); }", "let e = E(); h = e(h);", "1:8 MDL0115 the router `R` does not define `gate`")]
    [InlineData("moe E(x: [.., D]) { experts 4 of SwiGlu(8); }", "let e = E(); h = e(h);", "1:5 MDL0116 the moe `E` has no `router`")]
    [InlineData("router R(x: [N, D]) { choose = top(2, of: x); gate = x[choose]; } block Mix(x: [N, D]) -> [N, D] { return x - mean(x, axis: 0); } moe E(x: [.., D]) { router R(); experts D of Mix(); }", "let e = E(); h = e(h);", "1:111 MDL0118 `mean(x, axis: 0)` mixes the rows of an expert; an expert computes on each token by itself")]
    public void MistakesInABlock(string declarations, string body, string expected)
    {
        var text = Text(body, declarations);
        Assert.Equal(expected, Bound.File(text).Lines(text)[0]);
    }

    [Fact]
    public void AnInstanceThatIsWrongIsToldOnce()
    {
        var text = "model M(tokens: int[B, T]; D) { let e = Embedding(256, D); return e(tokens) @ e.weight'; }\npreset A of M { D: 0; }";
        Assert.Equal(["1:67 MDL0111 in `Embedding`: an axis of `weight` is between 1 and 1099511627776, but `width` is 0"], Bound.File(text).Lines(text));
    }

    [Fact]
    public void ARouterIsToldWhereItDefinesWhatIsWrong()
    {
        var text = Text("let e = E(); h = e(h);", "router R(x: [N, D]) {\nchoose = top(2, of: x);\ngate = x;\n} moe E(x: [.., D]) { router R(); experts D of SwiGlu(8); }");
        Assert.Equal(["3:1 MDL0115 `gate` is [B*T, 2] like `choose`, not [B*T, 64]"], Bound.File(text).Lines(text));
    }

    [Fact]
    public void AMistakeWithTheNumbersOfOnePresetNamesIt()
    {
        var text = "model M(tokens: int[B, T]; D) { let e = Embedding(256, D); param w: [D / 4]; return e(tokens) @ e.weight'; }\npreset A of M { D: 8; } preset C of M { D: 6; } preset E of M { D: 16; }";
        Assert.Equal(["1:70 MDL0111 an axis of `w` is an integer, but `D / 4` is 1.5 (preset `C`)"], Bound.File(text).Lines(text));
    }

    [Fact]
    public void AnMtpBlockReturnsLogitsOfTheModelsVocabulary()
    {
        var text = "model M(tokens: int[B, T]; D) { let e = Embedding(256, D); h = e(tokens); return h @ e.weight'; mtp depth 1, weight 0.1 { return h; } }\npreset A of M { D: 8; }";
        Assert.Equal(["1:123 MDL0109 an mtp block returns logits [B, T, 256], as the model does, but `return h;` gives a tensor [B, T, 8]"], Bound.File(text).Lines(text));
    }

    [Theory]
    [InlineData("preset A of N { x: 1; }", "1:13 MDL0100 there is no model `N`")]
    [InlineData("block N(x: [D]) { return x; } preset A of N { }", "1:43 MDL0108 `N` is not a model")]
    [InlineData("model N(x: [B, T]) { return x; }", "1:9 MDL0119 the model `N` takes one input, `tokens: int[B, T]`")]
    [InlineData("block sum(x: [D]) { return x; }", "1:7 MDL0101 `sum` is a built-in function; choose another name")]
    [InlineData("block N(x: [D]; x) { return x; }", "1:17 MDL0101 `N` has `x` twice")]
    [InlineData("block N(x: [D]; a: what) { return x; }", "1:17 MDL0108 an argument is a number, `: block` or `: word`, not `: what`")]
    [InlineData("train P of M { optimizer adamw(rate: 1); }", "1:32 MDL0120 `adamw` has the arguments lr, betas, eps, weight_decay, clip, by name")]
    [InlineData("train P of M { schedule cosin(warmup: 1); }", "1:25 MDL0120 `cosin(warmup: 1)` is not known here; there are constant, cosine, wsd; did you mean `cosine`?")]
    [InlineData("train P of M { optimizer adamw(betas: (0.9, 2)); }", "1:45 MDL0120 a beta is between 0 and 1, but `2` is not")]
    [InlineData("train P of M { objective next_token(mask); }", "1:37 MDL0120 `next_token` takes `masked` and `mtp: weight`, not `mask`")]
    [InlineData("train P of M { freeze embde; }", "1:23 MDL0121 `M` has no parameters `embde`; did you mean `embed`?")]
    [InlineData("train P of M { freeze 3; }", "1:23 MDL0120 `3` names no parameters; a path such as `attention.qkv` does, or a list of paths in brackets")]
    [InlineData("train P of M { adapters lora(rank: 4, of: heads); }", "1:43 MDL0121 `M` has no parameters `heads`")]
    [InlineData("train P of M { adapters lora(rank: 0, of: embed); }", "1:36 MDL0120 the rank of adapters is between 1 and 65536, but `0` is not")]
    [InlineData("train P of M { adapters lora(of: embed); }", "1:25 MDL0120 `adapters` takes `lora(rank: 16, alpha: 32, of: [attention.qkv, attention.out])`; `alpha` is twice the rank by default")]
    [InlineData("train P of M { adapters dora(rank: 1, of: embed); }", "1:25 MDL0120 `dora(rank: 1, of: embed)` is not known here; there is lora; did you mean `lora`?")]
    [InlineData("train P of M { optimiser adamw; }", "1:16 MDL0120 `train` has no setting `optimiser`; did you mean `optimizer`?")]
    [InlineData("checkpoint C of M { embed.wait = \"x\"; }", "1:21 MDL0121 `M` has no parameter `embed.wait`; did you mean `embed.weight`?")]
    [InlineData("checkpoint C of M { }", "1:12 MDL0127 no tensor for `embed.weight`")]
    [InlineData("checkpoint C of M { embed.weight = \"x\"; embed.weight = \"y\"; }", "1:41 MDL0128 `embed.weight` is mapped already")]
    [InlineData("checkpoint C of M { embed.weight = \"x{vocabs}\"; }", "1:21 MDL0129 the model has no integer argument and the path no index `vocabs`; did you mean `vocab`?")]
    [InlineData("checkpoint C of M { embed.weight[e] = \"x\"; }", "1:21 MDL0129 the name does not use the index `e` of its path")]
    [InlineData("checkpoint C of M { embed[i].weight[e] = \"x{i}{e}\"; }", "1:21 MDL0129 the indices of `embed[i].weight[e]` are not those of `embed.weight`")]
    [InlineData("checkpoint C of M { embed.weight = \"x{1\"; }", "1:21 MDL0129 a brace in the name is not closed")]
    [InlineData("checkpoint C of M { embed.weight = \"x\"; config \"a\" = T; }", "1:54 MDL0130 the value of \"a\" is not known at build time")]
    [InlineData("checkpoint C of M { embed.weight = \"x\"; config \"a\" = D or \"a\" = 1; }", "1:59 MDL0128 \"a\" has a value already")]
    [InlineData("checkpoint C of M { embed.weight = \"x\"; config \"a\" = 1 when T > 1; }", "1:61 MDL0130 the condition is not known at build time")]
    [InlineData("import \"other.mdl\";", "1:1 MDL0102 there is no file other.mdl")]
    public void MistakesInOtherDeclarations(string declarations, string expected)
    {
        var text = Text("", declarations);
        Assert.Contains(expected, Bound.File(text).Lines(text));
    }

    [Theory]
    [InlineData("preset A of M { vocab: 1; D: 8; deep: 2; }", "MDL0105 the model `M` has no argument `deep`")]
    [InlineData("preset A of M { vocab: 1; }", "MDL0106 the preset `A` gives no `D`")]
    [InlineData("preset A of M { vocab: 1; D: 8; } preset a of M { vocab: 1; D: 8; }", "MDL0101 `M` has a preset `a` already")]
    [InlineData("preset A of M { vocab: 1; D: 8; D: 9; }", "MDL0105 `D` is given twice")]
    [InlineData("preset A of M { vocab: 1; D: 1.5; }", "MDL0111 in `Embedding`: an axis of `weight` is an integer, but `width` is 1.5")]
    public void MistakesInAPreset(string preset, string expected)
    {
        var text = "model M(tokens: int[B, T]; vocab, D) { let embed = Embedding(vocab, D); return embed(tokens) @ embed.weight'; }\n" + preset;
        Assert.Contains(Bound.File(text).Lines(text), line => line.EndsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void OneModelsErrorLeavesTheOthersAlone()
    {
        var text = Text("h = oops;").Replace("model M", "model Bad").Replace("of M", "of Bad") + Text("");
        var compilation = Bound.File(text);
        Assert.Single(compilation.Diagnostics);
        Assert.Equal(["MA"], compilation.Models.Select(m => m.ClassName));
    }

    [Fact]
    public void BlocksThatNoPresetReachesAreChecked()
    {
        var text = Text("", "block Idle(x: [.., D]; n, ffn: block) -> [.., D] { y = ffn(nn); let s = SwiGlu(1, 2); param w: [4, 5]; param v: [6, 7]; z = w @ v; return x @ x[n] / 2; }");
        string[] expected =
        [
            "1:60 MDL0100 nothing is called `nn` here; did you mean `n`?",
            "1:83 MDL0104 `SwiGlu` takes the arguments width",
            "1:125 MDL0109 `w @ v` contracts 5 with 6",
        ];
        Assert.Equal(expected, Bound.File(text).Lines(text).Take(3));
    }

    [Fact]
    public void CorrectBlocksThatNoPresetReachesAreSilent()
    {
        var ling = Bound.Sample("LingNano/ling.mdl");
        var withoutPresets = string.Join("\n", ling.Split('\n').Where(l => !l.StartsWith("preset", StringComparison.Ordinal)));
        Assert.Empty(Bound.File(withoutPresets).Lines(withoutPresets));
    }

    [Fact]
    public void TheLibraryHasNothingWrong() =>
        Assert.All(StandardLibrary.Texts, text => Assert.Empty(Binder.Bind(text, _ => null).Lines(text.Text)));

    [Fact]
    public void ACancelledTokenThrows() => Assert.Throws<OperationCanceledException>(
        () => Binder.Bind(new("test.mdl", Text("")), _ => null, new CancellationToken(canceled: true)));
}
