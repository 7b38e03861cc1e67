using System.Text.RegularExpressions;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Binding;

/// <summary>Whatever the text, the binder answers with diagnostics inside it.</summary>
public partial class FuzzTests
{
    private static readonly string[] Wild =
    [
        "0", "1", "-1", "2.5", "1e300", "9999999999999", "D", "N", "T", "x", "tokens", "load", "choose", "gate", "..", "[", "]", "(", ")", "{", "}", ";", ",", "'", "@", "^", "/",
        "repeat 3", "SwiGlu(8)", "RmsNorm(D)", "positions(T)", "sum", "top 2", "embed", "embed.weight", "int", "[B, T]", "block", "state", "param", "return", "loss", "mtp", "stop",
    ];

    [GeneratedRegex(@"\s+|\w+|.", RegexOptions.Singleline)]
    private static partial Regex Tokens();

    [Theory]
    [InlineData("ling", 300)]
    [InlineData("document", 800)]
    [InlineData("library", 1200)]
    public void MutatedTextsNeverThrow(string kind, int cases)
    {
        var texts = Texts(kind).Select(t => Tokens().Matches(t).Select(m => m.Value).ToArray()).ToArray();
        var random = new Random(20261123);
        var broken = 0;
        for (var i = 0; i < cases; i++)
        {
            var text = Mutate(texts[i % texts.Length], random);
            broken += Check(text, i) ? 1 : 0;
        }

        // Mutants that all bind would mean that nothing was mutated.
        Assert.True(broken > cases / 4, $"only {broken} of {cases} mutants were wrong");
    }

    private static IEnumerable<string> Texts(string kind)
    {
        switch (kind)
        {
            case "ling":
                var lines = Bound.Sample("LingNano/ling.mdl").Split('\n');
                return [string.Join("\n", lines.Where(l => !l.StartsWith("preset", StringComparison.Ordinal) || l.Contains("Nano")))];
            case "library":
                return StandardLibrary.Texts.Select(t => t.Text);
            default:
                var document = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "language.md"));
                return document.Split("```mdl\n").Skip(1).Select(s => s[..s.IndexOf("```", StringComparison.Ordinal)]);
        }
    }

    private static string Mutate(string[] tokens, Random random)
    {
        var mutant = tokens.ToList();
        for (var edits = random.Next(1, 4); edits > 0; edits--)
        {
            var at = random.Next(mutant.Count);
            switch (random.Next(5))
            {
                case 0:
                    mutant.RemoveAt(at);
                    break;
                case 1:
                    mutant[at] = Wild[random.Next(Wild.Length)];
                    break;
                case 2:
                    mutant.Insert(at, Wild[random.Next(Wild.Length)]);
                    break;
                case 3:
                    mutant[at] = mutant[random.Next(mutant.Count)];
                    break;
                default:
                    var other = random.Next(mutant.Count);
                    (mutant[at], mutant[other]) = (mutant[other], mutant[at]);
                    break;
            }
        }

        return string.Concat(mutant);
    }

    /// <summary>True if the text has an error.</summary>
    private static bool Check(string text, int number)
    {
        var source = new SourceText("mutant.mdl", text);
        var compilation = Binder.Bind(source, _ => null);
        foreach (var d in compilation.Diagnostics)
        {
            Assert.True(d.Id != DiagnosticIds.InternalError, $"case {number}: {d.Message}\n{text}");
            Assert.True(d.Path == "mutant.mdl" && d.Span.Start >= 0 && d.Span.Length >= 0 && d.Span.End <= text.Length, $"case {number}: {d} lies outside\n{text}");
            Assert.False(string.IsNullOrWhiteSpace(d.Message));
            Assert.True(!d.Message.Contains("?..") && !d.Message.Contains("[?"), $"case {number}: {d.Message}\n{text}");
        }

        var presets = MdlParser.Parse(source).File.Declarations.OfType<PresetSyntax>().Count();
        var isBroken = compilation.Diagnostics.Any(d => d.Severity == Severity.Error);
        Assert.True(isBroken || compilation.Models.Count == presets, $"case {number}: a preset is lost without a word\n{text}");
        return isBroken;
    }
}
