namespace Mdl.Dsl.Tests.Binding;

/// <summary>Texts made to exhaust the binder.</summary>
public class LimitTests
{
    private static string Model(string body, string declarations = "") =>
        $"{declarations}\nmodel M(tokens: int[B, T]; D) {{ let embed = Embedding(9, D); h = embed(tokens); {body} return h @ embed.weight'; }}\npreset A of M {{ D: 8; }}";

    [Fact]
    public void ExplosiveNestingEnds()
    {
        // Twenty blocks, each holding the one before twice: a million instances.
        var blocks = string.Join(
            "\n", Enumerable.Range(1, 20).Select(i => $"block A{i}(x: [.., D]) {{ let a = A{i - 1}(); let b = A{i - 1}(); return a(b(x)); }}"));
        var text = Model("let a = A20(); h = a(h);", "block A0(x: [.., D]) { return x; }\n" + blocks);
        Assert.Contains(Bound.File(text).Diagnostics, d => d.Id == DiagnosticIds.TooLarge);
    }

    [Fact]
    public void SizesThatGrowByThemselvesEnd()
    {
        var squares = string.Join(" ", Enumerable.Range(1, 40).Select(i => $"n{i} = n{i - 1} * n{i - 1};"));
        Assert.Contains(Bound.File(Model($"n0 = B * T; {squares}")).Diagnostics, d => d.Id == DiagnosticIds.SizeOutOfRange);
        var powers = string.Join(" ", Enumerable.Range(1, 40).Select(i => $"m{i} = m{i - 1} * m{i - 1};"));
        Assert.Contains(Bound.File(Model($"m0 = D; {powers} h = h * m40;")).Diagnostics, d => d.Id == DiagnosticIds.SizeOutOfRange);
    }

    [Fact]
    public void AxesWithoutEndEnd()
    {
        var ones = string.Join(", ", Enumerable.Repeat("1", 40));
        Assert.Contains(Bound.File(Model($"h = reshape(h, [B, T, D, {ones}]);")).Diagnostics, d => d.Id == DiagnosticIds.ShapeMismatch);
    }

    [Fact]
    public void DeepNestingNeedsLittleStack()
    {
        var blocks = string.Join(
            "\n", Enumerable.Range(1, 60).Select(i => $"block A{i}(x: [.., D]) {{ let a = A{i - 1}(); return -(-(-(-(-(-a(x)))))); }}"));
        var text = Model("let a = A60(); h = a(h);", "block A0(x: [.., D]) { return x; }\n" + blocks);
        var sum = Model("h = h" + string.Concat(Enumerable.Repeat(" + h", 5000)) + ";");
        Exception? fault = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    Assert.NotEmpty(Bound.File(text).Diagnostics);
                    Assert.NotEmpty(Bound.File(sum).Diagnostics);
                }
                catch (Exception e)
                {
                    fault = e;
                }
            },
            maxStackSize: 1 << 20);
        thread.Start();
        thread.Join();
        Assert.Null(fault);
    }

    [Fact]
    public void AnErrorOfSyntaxIsNotFollowedByErrorsOfMeaning()
    {
        const string text = "block A(x: [.., D]) -> [.., D] {\n    y = x @ ;\n    return y * z;\n}\n";
        var diagnostics = Bound.File(Model("let a = A(); h = a(h); g = oops;", text)).Diagnostics;
        Assert.Equal(["MDL0001", "MDL0100"], diagnostics.Select(d => d.Id));
    }
}
