using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Emission;

/// <summary>The precision of a train declaration reaches every program that trains, whatever it trains and on whatever device, and no other.</summary>
public sealed class PrecisionTests
{
    private const string Rounded = "arithmetic: ElementFormat.BFloat16";

    [Theory]
    [InlineData("bf16")]
    [InlineData("f32")]
    public void A_diffusion_trains_in_the_precision_that_it_names(string precision) => Check(
        "Points",
        $$"""
        block Denoiser(x: [N, d], noise: [N]; width) -> [N, d] {
            let lift  = Affine(d, width);
            let lower = Affine(width, d);
            return lower(silu(lift(x + reshape(noise, [N, 1]))));
        }

        diffusion Points(x: [N, 2]) {
            process ve;
            score   network(Denoiser(width: 8), precondition: edm(data: 0.5));
            train   { noise: lognormal(-1.2, 1.2); precision: {{precision}}; }
        }
        """,
        precision);

    [Theory]
    [InlineData("bf16")]
    [InlineData("f32")]
    public void A_language_model_trains_in_the_precision_that_it_names(string precision) => Check(
        "PointsNano",
        $$"""
        model Points(tokens: int[B, T]; vocab, hidden) {
            let embed = Embedding(vocab, hidden);
            let norm  = RmsNorm(hidden);
            return logits = norm(embed(tokens)) @ embed.weight';
        }

        preset Nano of Points { vocab: 32; hidden: 8; }

        train Default of Points { precision {{precision}}; }
        """,
        precision);

    private static void Check(string name, string text, string precision)
    {
        var result = MdlCompiler.Compile(new SourceText("points.mdl", text), _ => null, new("Sample", EmitIlgpu: true), CancellationToken.None);
        Assert.Empty(result.Diagnostics);
        var programs = result.Files.Where(f => f.Name.StartsWith(name + ".", StringComparison.Ordinal)).ToDictionary(f => f.Name, f => f.Text);
        var training = new[] { $"{name}.Training.g.cs", $"{name}.Training.Ilgpu.g.cs" };
        Assert.All(training, file => Assert.Equal(precision == "bf16", programs[file].Contains(Rounded, StringComparison.Ordinal)));
        Assert.All(programs.Where(p => !training.Contains(p.Key)), p => Assert.DoesNotContain(Rounded, p.Value, StringComparison.Ordinal));
    }
}
